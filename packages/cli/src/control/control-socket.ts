import { chmodSync, linkSync, lstatSync, renameSync, unlinkSync, type Stats } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { basename, dirname, join } from "node:path";
import { unixPathBytes } from "../bind.ts";
import type { Companion, Manager } from "../manager/manager.ts";
import { StartError } from "../start-error.ts";
import { answer } from "./answer.ts";
import { longestRequest, parseRequest, type ControlAnswer } from "./protocol.ts";

/** Settings of {@link controlSocket}. */
export interface ControlSocketOptions {
  readonly path: string;
  /** Its permissions: who may connect may stop the site (default `0o600`). */
  readonly mode?: number | undefined;
  /** Takes the path from a parent that still answers, as the new one of an upgrade does (default: no). */
  readonly takeOver?: boolean | undefined;
  /** How long a client may be silent, in milliseconds (default 60,000). */
  readonly silentMilliseconds?: number | undefined;
}

/** More talk at the same time than anybody has reason to. */
const maxClients = 32;

/**
 * Answers `gateway ctl` on a Unix socket. Who may connect is what the permissions of the socket say: Node.js cannot ask the system who it is. A socket that nobody answers on is
 * replaced; the path appears at once with its permissions, and is removed at the end only if it is still this one.
 *
 * @returns a companion of the manager; its `start` rejects with a {@link StartError} where somebody answers there already.
 */
export function controlSocket(options: ControlSocketOptions): Companion {
  const { path, mode = 0o600, takeOver = false, silentMilliseconds = 60_000 } = options;
  const clients = new Set<Socket>();
  let server: Server | undefined;
  let own: Stats | undefined;

  return {
    async start(manager) {
      if (Buffer.byteLength(path) > unixPathBytes - ".".length - String(process.pid).length) {
        throw new StartError(`the path of the control socket is too long: ${path}`);
      }
      if (!takeOver) await makeRoom(path);
      server = createServer({ allowHalfOpen: true }, (client) => {
        if (clients.size >= maxClients) return client.destroy();
        clients.add(client);
        client.once("close", () => clients.delete(client));
        serve(client, manager, silentMilliseconds);
      });
      own = await listen(server, path, mode, takeOver);
    },
    async stop() {
      if (server === undefined) return;
      removeOwn(path, own);
      const closed = new Promise((resolve) => server?.close(resolve));
      // What has been answered still goes out.
      for (const client of clients) client.destroySoon();
      await closed;
    },
  };
}

/** Under a name of its own first, so that nobody can connect before the permissions are right. */
async function listen(server: Server, path: string, mode: number, takeOver: boolean): Promise<Stats> {
  const temporary = join(dirname(path), `${basename(path)}.${process.pid}`);
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(temporary, resolve);
      // The socket is made while listen() runs; nothing else shall get these permissions.
      process.umask(before);
    });
    chmodSync(temporary, mode);
    const own = lstatSync(temporary);
    if (takeOver) {
      renameSync(temporary, path);
    } else {
      // Unlike a rename it fails where another was faster.
      linkSync(temporary, path);
      unlinkSync(temporary);
    }
    return own;
  } catch (error) {
    server.close();
    throw new StartError(`cannot make the control socket ${path}: ${reasonOf(error)}`);
  } finally {
    process.umask(before);
  }
}

/** Removes what is left of a parent that died. */
async function makeRoom(path: string): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw new StartError(`cannot make the control socket: ${path} is there already, and no socket`);
  const failure = await connectFailure(path);
  if (failure === undefined)
    throw new StartError(`the control socket ${path} is in use: another gateway answers there; name another with --control-socket`);
  // Any other error leaves open whether somebody is there.
  if (failure !== "ECONNREFUSED" && failure !== "ENOENT")
    throw new StartError(`cannot make the control socket ${path}: ${failure}`);
  removeOwn(path, there);
}

/** The code of what keeps from connecting; `undefined` when somebody answers. */
function connectFailure(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(undefined);
    });
    probe.once("error", (error) => resolve(reasonOf(error)));
  });
}

/** Removes the path if it is that very socket: a successor may have taken it. */
function removeOwn(path: string, own: Stats | undefined): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (own === undefined || there?.ino !== own.ino || there.dev !== own.dev) return;
  try {
    unlinkSync(path);
  } catch {
    // Somebody was faster, or it may not be removed: the next one finds that nobody answers.
  }
}

/** Reads requests line by line, one after the other. */
function serve(client: Socket, manager: Manager, silentMilliseconds: number): void {
  let held = "";
  let isBusy = false;
  let hasEnded = false;
  const send = (reply: ControlAnswer): void => void client.write(`${JSON.stringify(reply)}\n`);
  const next = (): void => {
    const end = held.indexOf("\n");
    if (isBusy) return;
    if (end === -1) {
      // It may have said all that it wants to ask, and waits for the answers.
      if (hasEnded) client.end();
      return;
    }
    const line = held.slice(0, end);
    held = held.slice(end + 1);
    isBusy = true;
    client.setTimeout(0);
    void answerLine(line, manager).then((reply) => {
      isBusy = false;
      client.setTimeout(silentMilliseconds);
      send(reply);
      next();
    });
  };
  client.setEncoding("utf8");
  client.setTimeout(silentMilliseconds, () => client.destroy());
  client.on("error", () => client.destroy());
  client.on("end", () => {
    hasEnded = true;
    next();
  });
  client.on("data", (text: string) => {
    held += text;
    if (held.length > longestRequest) {
      held = "";
      send({ ok: false, message: `a request has at most ${longestRequest} characters` });
      return client.destroySoon();
    }
    next();
  });
}

async function answerLine(line: string, manager: Manager): Promise<ControlAnswer> {
  try {
    return await answer(parseRequest(line), manager);
  } catch (error) {
    return { ok: false, message: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}
