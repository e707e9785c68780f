import { spawn } from "node:child_process";
import type { InheritedSocket } from "./listener.ts";
import type { SocketFile } from "./unix-path.ts";

/** Where a new parent finds its sockets. */
const socketsVariable = "GATEWAY_SOCKETS";
/** The process that started it. */
const parentVariable = "GATEWAY_PPID";

/** What an old parent is told. */
interface ReadyMessage {
  readonly type: "gateway is ready";
}

/** A new parent, as the old one sees it. */
export interface NewParent {
  readonly pid: number | undefined;
  readonly isAlive: boolean;
  /** When its first worker is ready: `undefined`; or what went wrong. */
  readonly ready: Promise<string | undefined>;
}

/** Starts the command anew, as this process was started, with the sockets of this one. */
export function startParent(sockets: readonly InheritedSocket[], directory: string): NewParent {
  const handed = sockets.map((socket, at) => ({ ...socket, fd: 3 + at }));
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ["inherit", "inherit", "inherit", ...sockets.map(({ fd }) => fd), "ipc"],
    cwd: directory,
    // What systemd said was for the first process: its number is in there.
    env: {
      ...process.env,
      LISTEN_PID: undefined,
      PWD: directory,
      [socketsVariable]: JSON.stringify(handed),
      [parentVariable]: String(process.pid),
    },
  });
  let isAlive = true;
  const ready = new Promise<string | undefined>((resolve) => {
    child.on("message", ({ type }: ReadyMessage) => {
      if (type === "gateway is ready") resolve(undefined);
    });
    child.once("error", (error) => {
      isAlive = false;
      resolve(`the new process could not be started: ${error.message}`);
    });
    child.once("exit", (code, signal) => {
      isAlive = false;
      resolve(`the new process ended: ${signal === null ? `exit status ${code}` : `signal ${signal}`}`);
    });
  });
  return {
    pid: child.pid,
    get isAlive() {
      return isAlive;
    },
    ready,
  };
}

/** What this process got from an old parent. */
export interface Inheritance {
  readonly sockets: readonly InheritedSocket[];
  /** The old parent; `undefined` where there is none. */
  readonly parent: number | undefined;
}

/** Reads it, and takes it out of the environment, so that nobody else believes in it. */
export function inheritance(environment: NodeJS.ProcessEnv): Inheritance {
  const { [socketsVariable]: sockets, [parentVariable]: parent } = environment;
  delete environment[socketsVariable];
  delete environment[parentVariable];
  if (sockets === undefined || parent === undefined || Number(parent) !== process.ppid) return { sockets: [], parent: undefined };
  const handed = JSON.parse(sockets) as (Omit<InheritedSocket, "file"> & { readonly file?: SocketFile })[];
  return { sockets: handed.map(({ bind, fd, file, reusePort }) => ({ bind, fd, file, reusePort })), parent: Number(parent) };
}

/** Tells the old parent that this one serves. */
export function tellOldParent(): void {
  process.send?.({ type: "gateway is ready" } satisfies ReadyMessage, undefined, undefined, () => {});
}

/** Calls `promoted` when the old parent has ended, which it may have already. Until then the channel to it keeps nothing alive. */
export function onPromoted(promoted: () => void): void {
  process.channel?.unref();
  if (process.connected) process.once("disconnect", promoted);
  else promoted();
}
