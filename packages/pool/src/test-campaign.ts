import { HTTPError, type Application, type Environ } from "@gateway/core";
import { isLong } from "@gateway/testing/campaign";
import type { PoolEnviron } from "./index.ts";

/** What a campaign may take, in milliseconds. */
export const campaignTimeout: number = isLong ? 900_000 : 60_000;

interface Connection {
  query(statement: string): Promise<unknown>;
}

/** What was seen of the requests of a campaign, by id. */
export class Witness {
  /** The commit was begun. */
  readonly committing: Set<string> = new Set();
  /** The client was seen to leave, and no commit had begun. */
  readonly leftBefore: Set<string> = new Set();
  /** The application failed, or answered 500. */
  readonly failed: Set<string> = new Set();
  readonly #ids = new WeakMap<object, string>();

  /** Begins to watch: called with the connection, inside its transaction. */
  watch(id: string, environ: Environ, connection: object): void {
    this.#ids.set(connection, id);
    const { signal } = environ["gateway.exchange"];
    const left = (): void => {
      if (!this.committing.has(id)) this.leftBefore.add(id);
    };
    if (signal.aborted) left();
    else signal.addEventListener("abort", left);
  }

  /** What `transaction.commit` is in a campaign. */
  readonly commit = async (connection: Connection): Promise<void> => {
    const id = this.#ids.get(connection);
    if (id !== undefined) this.committing.add(id);
    await connection.query("COMMIT");
  };
}

/** Each request writes one row, `INSERT` and its id, in one of many ways: `/KIND/ID`. */
export function writingApplication<C extends Connection>(
  witness: Witness,
  insert: (id: string) => string,
): Application<Environ & PoolEnviron<C>> {
  const write = async (environ: Environ & PoolEnviron<C>, id: string): Promise<void> => {
    const connection = await environ["gateway.connection"]();
    witness.watch(id, environ, connection);
    await connection.query(insert(id));
  };
  const fail = (id: string, error: Error): never => {
    witness.failed.add(id);
    throw error;
  };
  return (environ, startResponse) => {
    const [, kind = "", id = ""] = environ.PATH_INFO.split("/");
    const ok = (): unknown => startResponse("200 OK", [["Content-Type", "text/plain"]]);
    switch (kind) {
      case "array":
        return write(environ, id).then(() => {
          ok();
          return [Buffer.from(id)];
        });
      case "status":
        return write(environ, id).then(() => {
          witness.failed.add(id);
          startResponse("500 Internal Server Error", [["Content-Type", "text/plain"]]);
          return [Buffer.from(id)];
        });
      case "error":
        return write(environ, id).then(() => fail(id, new HTTPError(409)));
      case "stream":
        return (async function* () {
          ok();
          yield Buffer.from("a");
          await write(environ, id);
          yield Buffer.from("b");
          yield Buffer.from("c");
        })();
      case "broken":
        return (async function* () {
          ok();
          await write(environ, id);
          yield Buffer.from("a");
          await Promise.resolve();
          yield Buffer.from("b");
          fail(id, new HTTPError(500, "broken"));
        })();
      case "write":
        return write(environ, id).then(async () => {
          const send = startResponse("200 OK", [["Content-Type", "text/plain"]]);
          await send(Buffer.from("a"));
          return [Buffer.from("b")];
        });
      default:
        return write(environ, id).then(() => {
          ok();
          return new Set([Buffer.from("a"), Buffer.from("b")]);
        });
    }
  };
}

/** The kinds of requests that there are. */
export const kinds: readonly string[] = ["array", "status", "error", "stream", "broken", "write", "set"];
