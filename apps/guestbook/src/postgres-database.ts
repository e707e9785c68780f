import { compose, layer } from "@gateway/core";
import { drain, pool, type PoolEnviron } from "@gateway/pool";
import { Client, Pool, type PoolClient, type PoolConfig } from "pg";
import type { Database } from "./database.ts";
import type { EntriesEnviron } from "./entries.ts";
import { sqlEntries, type Row, type Sql, type Writing } from "./sql-entries.ts";
import { Watchers } from "./watchers.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    author text NOT NULL,
    text text NOT NULL,
    written_at bigint NOT NULL
  );
  CREATE TABLE IF NOT EXISTS guests (
    name_key text PRIMARY KEY,
    name text NOT NULL,
    password text NOT NULL
  );`;

const channel = "guestbook_entries";

/** Any number: whoever takes the same lock waits. */
const lock = 8_072_026;

/** How long to wait before a lost connection for notifications is made anew, in milliseconds. */
const reconnectMilliseconds = 1000;

/** Told with the transaction: nobody hears of an entry that is not there, and everybody of one that is. */
const writing: Writing = {
  async before(sql) {
    await sql("SELECT pg_advisory_xact_lock(?)", [lock]);
  },
  async after(sql) {
    await sql("SELECT pg_notify(?, '')", [channel]);
  },
};

/** Keeps the guestbook in PostgreSQL, for any number of processes; each request is one transaction. */
export async function postgresDatabase(config: PoolConfig): Promise<Database> {
  // A host that vanishes in the middle of a transaction must not keep its locks: everybody else would wait for them.
  const limits = {
    connectionTimeoutMillis: 3000,
    query_timeout: 5000,
    statement_timeout: 5000,
    idle_in_transaction_session_timeout: 2000,
  };
  const source = new Pool({ ...limits, ...config });
  // A connection that was lost while nobody used it: the next request gets another.
  source.on("error", reportLoss);
  const watchers = new Watchers();
  let listener: Listener;
  try {
    await createTables(source);
    listener = await Listener.start(config, watchers);
  } catch (error) {
    await source.end();
    throw error;
  }

  const connections = pool(source, { transaction: true });
  const entriesOfRequest = layer<EntriesEnviron, PoolEnviron<PoolClient>>((app) => (environ, startResponse) => {
    const connection = environ["gateway.connection"];
    environ["guestbook.entries"] = sqlEntries(
      sqlOf(async (text, values) => (await connection()).query(text, values)),
      writing,
    );
    return app(environ, startResponse);
  });

  return {
    description: "PostgreSQL",
    layer: compose(connections, entriesOfRequest),
    entries: sqlEntries(
      sqlOf((text, values) => source.query(text, values)),
      writing,
    ),
    watchers,
    check: async () => (await source.query("SELECT 1")).rowCount === 1,
    async close() {
      await drain(connections);
      await listener.stop();
      await source.end();
    },
  };
}

/** Two processes that start at once would both find no tables, so one waits for the other. */
async function createTables(source: Pool): Promise<void> {
  const client = await source.connect();
  try {
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1)", [lock]);
    await client.query(schema);
    await client.query("COMMIT");
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

type Query = (text: string, values: (string | number)[]) => Promise<{ rows: Row[] }>;

/** PostgreSQL numbers what SQLite marks by `?`. */
function sqlOf(query: Query): Sql {
  return async (statement, values) => (await query(numbered(statement), [...values])).rows;
}

const numberedStatements = new Map<string, string>();

function numbered(statement: string): string {
  let text = numberedStatements.get(statement);
  if (text === undefined) {
    let count = 0;
    text = statement.replaceAll("?", () => `$${++count}`);
    numberedStatements.set(statement, text);
  }
  return text;
}

/** The connection that hears of new entries, made anew when it is lost. */
class Listener {
  readonly #config: PoolConfig;
  readonly #watchers: Watchers;
  #client: Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  private constructor(config: PoolConfig, watchers: Watchers) {
    this.#config = config;
    this.#watchers = watchers;
  }

  static async start(config: PoolConfig, watchers: Watchers): Promise<Listener> {
    const listener = new Listener(config, watchers);
    await listener.#connect();
    return listener;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#client?.end();
  }

  async #connect(): Promise<void> {
    const client = new Client({ ...this.#config, keepAlive: true });
    client.on("notification", () => this.#watchers.wake());
    client.on("error", reportLoss);
    client.on("end", () => this.#reconnectLater(client));
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    this.#client = client;
    // What was written while nobody listened.
    this.#watchers.wake();
  }

  #reconnectLater(client: Client): void {
    if (this.#isStopped || client !== this.#client) return;
    this.#client = undefined;
    this.#retry();
  }

  #retry(): void {
    this.#timer = setTimeout(() => {
      this.#connect().catch((error: unknown) => {
        reportLoss(error);
        if (!this.#isStopped) this.#retry();
      });
    }, reconnectMilliseconds);
    this.#timer.unref();
  }
}

function reportLoss(error: unknown): void {
  process.stderr.write(`guestbook: PostgreSQL: ${error instanceof Error ? error.message : String(error)}\n`);
}
