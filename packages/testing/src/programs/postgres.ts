import { join } from "node:path";
import { startProgram, type RunningProgram } from "./start-program.ts";

/** Settings of {@link startPostgres}. */
export interface PostgresOptions {
  /** Settings beside the starter's own, as in `postgresql.conf`: `{ max_connections: "200" }` (default: none). */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What a `pg` pool or client is made with. */
export interface PostgresAddress {
  /** The folder of the Unix socket. */
  readonly host: string;
  /** Names the socket in that folder. */
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

/** A PostgreSQL that a test has started. */
export interface RunningPostgres extends RunningProgram {
  /** Where it listens: `new Pool(postgres.address)`. The user is its superuser and needs no password. */
  readonly address: PostgresAddress;
}

/**
 * Starts the system's PostgreSQL (Debian: `postgresql`) on a Unix socket in a temporary folder, with an empty database in UTF-8: what it
 * has committed is there again after `kill()` and `restart()`. It does not wait for the disk, since a test kills programs and no
 * machines. PostgreSQL refuses to run as root: there it runs as `postgres` or `nobody`.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<RunningPostgres> {
  const settings = { fsync: "off", listen_addresses: "", log_min_messages: "warning", ...options.settings };
  const program = await startProgram({
    program: "postgres",
    insteadOfRoot: ["postgres", "nobody"],
    prepare: async ({ folder }, run) => {
      const user = ["--username", "postgres", "--auth", "trust"];
      await run("initdb", ["--pgdata", join(folder, "data"), ...user, "--encoding", "UTF8", "--locale", "C", "--no-sync"]);
    },
    args: ({ folder }) => {
      const given = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
      return ["-D", join(folder, "data"), "-k", folder, "-p", "5432", ...given];
    },
    ready: { output: "database system is ready to accept connections" },
    // "Fast": a client that is still connected does not hold it up.
    stopSignal: "SIGINT",
  });
  return Object.assign(program, { address: { host: program.folder, port: 5432, user: "postgres", database: "postgres" } });
}
