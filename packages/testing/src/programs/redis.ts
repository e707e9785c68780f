import { join } from "node:path";
import { startProgram, type RunningProgram } from "./start-program.ts";

/** Settings of {@link startRedis}. */
export interface RedisOptions {
  /** Settings beside the starter's own, as on the command line: `["--maxmemory", "1mb"]` (default: none). */
  readonly args?: readonly string[];
}

/** A Redis that a test has started. */
export interface RunningRedis extends RunningProgram {
  /** Where it listens: `createClient({ socket: { ...redis.address, tls: false } })` (node-redis), `new Redis(redis.address)` (ioredis). */
  readonly address: { readonly path: string };
}

/**
 * Starts the system's `redis-server` (Debian: `redis-server`) on a Unix socket in a temporary folder, empty, with an append-only file:
 * what it has acknowledged is there again after `kill()` and `restart()`. It does not wait for the disk, since a test kills programs and
 * no machines.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  const program = await startProgram({
    program: "redis-server",
    args: ({ folder }) => {
      const listen = ["--port", "0", "--unixsocket", join(folder, "redis.sock"), "--unixsocketperm", "700"];
      const keep = ["--dir", folder, "--appendonly", "yes", "--appendfsync", "no", "--save", ""];
      return [...listen, ...keep, "--daemonize", "no", ...(options.args ?? [])];
    },
    // The sentence begins differently for ports and for sockets.
    ready: { output: "eady to accept connections" },
  });
  return Object.assign(program, { address: { path: join(program.folder, "redis.sock") } });
}
