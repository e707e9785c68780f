import { checkOptionNames } from "@gateway/core";
import type { Source } from "./source.ts";

/** How much transactions see of each other (ISO/IEC 9075, and what PostgreSQL and MySQL make of it). */
export type IsolationLevel = "read uncommitted" | "read committed" | "repeatable read" | "serializable";

/** Settings of the transaction around a request. */
export interface TransactionOptions<Connection = unknown> {
  /** How much it sees of others (default: as the database is set). */
  readonly isolation?: IsolationLevel | undefined;
  /** Whether a response of that status rolls back (default: 500 and above). Errors that are thrown always do. */
  readonly rollsBack?: ((code: number) => boolean) | undefined;
  /** Begins it (default: `query("BEGIN")`, with the isolation). */
  readonly begin?: ((connection: Connection) => unknown) | undefined;
  /** Commits it, or throws (default: `query("COMMIT")`). */
  readonly commit?: ((connection: Connection) => unknown) | undefined;
  /** Rolls it back (default: `query("ROLLBACK")`). */
  readonly rollback?: ((connection: Connection) => unknown) | undefined;
}

/** How transactions begin and end on connections of one pool. */
export interface TransactionControl<Connection> {
  rollsBack(code: number): boolean;
  begin(connection: Connection): Promise<void>;
  /** Rejects also where the database rolled back instead. */
  commit(connection: Connection): Promise<void>;
  rollback(connection: Connection): Promise<void>;
}

const levels: readonly IsolationLevel[] = ["read uncommitted", "read committed", "repeatable read", "serializable"];

/** @throws {TypeError} for a setting that is none. */
export function transactionControl<Connection>(
  options: TransactionOptions<Connection>,
  kind: Source<Connection>["kind"],
): TransactionControl<Connection> {
  checkOptionNames("pool: transaction", options, { isolation: true, rollsBack: true, begin: true, commit: true, rollback: true });
  const { isolation, rollsBack = (code) => code >= 500, begin, commit, rollback } = options;
  if (isolation !== undefined && !levels.includes(isolation)) {
    throw new TypeError(`pool: isolation is one of ${levels.join(", ")}, not ${JSON.stringify(isolation)}`);
  }
  for (const [name, value] of Object.entries({ rollsBack, begin, commit, rollback })) {
    if (value !== undefined && typeof value !== "function") throw new TypeError(`pool: transaction.${name} is a function`);
  }
  if (begin !== undefined && isolation !== undefined) throw new TypeError("pool: transaction.begin sets the isolation itself");
  const beginning = beginStatements(isolation, kind);
  return {
    rollsBack: (code) => rollsBack(code),
    async begin(connection) {
      if (begin !== undefined) await begin(connection);
      else for (const statement of beginning) await query(connection, statement);
    },
    async commit(connection) {
      if (commit !== undefined) return void (await commit(connection));
      const result = await query(connection, "COMMIT");
      // PostgreSQL answers so, and not with an error, when a statement before had failed.
      if (typeof result === "object" && result !== null && "command" in result && result.command === "ROLLBACK") {
        throw new Error("a statement of the transaction had failed, so the database rolled back instead of committing");
      }
    },
    async rollback(connection) {
      await (rollback === undefined ? query(connection, "ROLLBACK") : rollback(connection));
    },
  };
}

function beginStatements(isolation: IsolationLevel | undefined, kind: Source<unknown>["kind"]): readonly string[] {
  if (isolation === undefined) return ["BEGIN"];
  const level = `ISOLATION LEVEL ${isolation.toUpperCase()}`;
  // MySQL says it of the next transaction, PostgreSQL while it begins.
  return kind === "mysql" ? [`SET TRANSACTION ${level}`, "BEGIN"] : [`BEGIN ${level}`];
}

function query(connection: unknown, statement: string): unknown {
  if (typeof connection === "object" && connection !== null && "query" in connection && typeof connection.query === "function") {
    return (connection as { query(statement: string): unknown }).query(statement);
  }
  throw new TypeError("pool: the connection has no query(): give transaction.begin, commit and rollback");
}
