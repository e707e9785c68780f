import { once } from "node:events";
import { lookup } from "node:dns/promises";
import { createServer, isIP, type AddressInfo, type Server } from "node:net";
import { withoutMapping, type ServerAddress } from "@gateway/sockets";
import { listenFailure, type Bind } from "../bind.ts";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";
import {
  boundAddress,
  boundHandle,
  descriptorOf,
  hasBoundHandles,
  hasReusePort,
  inheritedHandle,
  type BoundTo,
  type NativeHandle,
} from "./native-handle.ts";
import { makeWay, putInPlace, removeSocketFile, temporaryPath, type SocketFile } from "./unix-path.ts";

/** A listening socket that came from another process: a descriptor, and what cannot be seen from it. */
export interface InheritedSocket {
  readonly bind: string;
  readonly fd: number;
  readonly file: SocketFile | undefined;
}

/** One bind: what holds its socket open. */
export interface Listener {
  readonly bind: Bind;
  readonly address: ServerAddress;
  /** The name that was listened on, for `SERVER_NAME`; `undefined` on all interfaces. */
  readonly serverName: string | undefined;
  /** Accepts connections in this process; `undefined` where the workers do. */
  readonly server: Server | undefined;
  /** The descriptor for the worker at this place, or for another parent. */
  readonly descriptor: (index: number) => number;
  /** The file of a Unix socket. */
  readonly file: SocketFile | undefined;
  /** Whether it is this process that takes the file away: not as long as another parent serves there, too. */
  ownsFile: boolean;
  /** Lets the socket go. */
  readonly close: () => void;
}

/** Accepted connections stay as they are until a worker has them: nothing is read, nothing is closed. */
const acceptOptions = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true } as const;

/**
 * Opens the socket of a bind, or takes over that which another parent had there.
 *
 * @throws {StartError} when the system refuses it.
 */
export async function openListener(
  bind: Bind,
  settings: Pick<Settings, "spread" | "backlog" | "unixMode" | "unixOwner">,
  inherited: InheritedSocket | undefined,
): Promise<Listener> {
  try {
    const fd = inherited?.fd ?? (bind.host.startsWith("fd://") ? Number(bind.host.slice(5)) : undefined);
    if (settings.spread === "round-robin") return await accepting(bind, settings, fd, inherited?.file);
    checkSpread(settings.spread);
    if (fd !== undefined) return inheritedOnly(bind, fd, inherited?.file);
    return await bound(bind, settings);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(listenFailure(bind, error));
  }
}

function checkSpread(spread: "shared" | "reuse-port"): void {
  if (!hasBoundHandles()) throw new StartError(`this runtime cannot spread connections by ${spread}: use --spread round-robin`);
  if (spread === "reuse-port" && !hasReusePort()) {
    throw new StartError(
      `--spread reuse-port needs Linux and Node.js 22.12 or newer, this is ${process.versions.node} on ${process.platform}: use round-robin`,
    );
  }
}

/** A server of this process. */
async function accepting(
  bind: Bind,
  { backlog, unixMode, unixOwner }: Pick<Settings, "backlog" | "unixMode" | "unixOwner">,
  fd: number | undefined,
  inheritedFile: SocketFile | undefined,
): Promise<Listener> {
  const server = createServer(acceptOptions);
  const path = unixPath(bind);
  let file = inheritedFile;
  if (fd !== undefined) {
    server.listen({ fd });
    await once(server, "listening");
  } else if (path === undefined) {
    server.listen(bind.host === "" ? { port: bind.port, backlog } : { host: bareHost(bind.host), port: bind.port, backlog });
    await once(server, "listening");
  } else {
    await makeWay(path);
    const temporary = temporaryPath(path);
    server.listen({ path: temporary, backlog });
    await once(server, "listening");
    file = putInPlace(temporary, path, unixMode, unixOwner);
  }
  const listener: Listener = {
    bind,
    server,
    file,
    ownsFile: inheritedFile === undefined,
    ...namesOf(bind, server.address(), file),
    descriptor: () => descriptorOf(server),
    close() {
      if (server.listening) server.close();
      giveUpFile(listener);
    },
  };
  return listener;
}

/** A socket that is held here for workers which accept by themselves. */
async function bound(
  bind: Bind,
  { spread, unixMode, unixOwner }: Pick<Settings, "spread" | "unixMode" | "unixOwner">,
): Promise<Listener> {
  const path = unixPath(bind);
  const handles: NativeHandle[] = [];
  let file: SocketFile | undefined;
  let info: AddressInfo | string;
  let perWorker: BoundTo | undefined;
  if (path === undefined) {
    const isReused = spread === "reuse-port";
    const first = boundHandle({ address: await addressFor(bind.host), port: bind.port }, isReused);
    info = boundAddress(first);
    if (isReused) perWorker = { address: info.address, port: info.port };
    handles.push(first);
  } else {
    await makeWay(path);
    const temporary = temporaryPath(path);
    handles.push(boundHandle({ path: temporary }, false));
    file = putInPlace(temporary, path, unixMode, unixOwner);
    info = path;
  }
  const listener: Listener = {
    bind,
    server: undefined,
    file,
    ownsFile: true,
    ...namesOf(bind, info, file),
    descriptor(index) {
      // They stay open as long as this process lives: what waits for a worker that died waits for the next one in its place.
      if (perWorker === undefined) return handles[0]?.fd ?? -1;
      for (let at = handles.length; at <= index; at++) handles.push(boundHandle(perWorker, true));
      return handles[index]?.fd ?? -1;
    },
    close() {
      for (const handle of handles.splice(0)) handle.close();
      giveUpFile(listener);
    },
  };
  return listener;
}

/** A descriptor that only the workers open. */
function inheritedOnly(bind: Bind, fd: number, file: SocketFile | undefined): Listener {
  const handle = inheritedHandle(fd);
  // Unix sockets of libuv do not tell where they are.
  const info = handle.getsockname === undefined ? null : boundAddress(handle);
  const listener: Listener = {
    bind,
    server: undefined,
    file,
    ownsFile: false,
    ...namesOf(bind, info, file),
    descriptor: () => handle.fd,
    close() {
      handle.close();
      giveUpFile(listener);
    },
  };
  return listener;
}

function giveUpFile(listener: Listener): void {
  if (listener.ownsFile && listener.file !== undefined) removeSocketFile(listener.file);
  listener.ownsFile = false;
}

function namesOf(
  bind: Bind,
  info: AddressInfo | string | null,
  file: SocketFile | undefined,
): { readonly address: ServerAddress; readonly serverName: string | undefined } {
  const path = unixPath(bind) ?? file?.path;
  if (path !== undefined || info === null || typeof info === "string") {
    return { address: { kind: "unix", path: path ?? (typeof info === "string" ? info : "") }, serverName: undefined };
  }
  const address: ServerAddress = { kind: "tcp", host: withoutMapping(info.address), port: info.port };
  const isNamed = !bind.host.startsWith("fd://") && bind.host !== "";
  return { address, serverName: isNamed ? bareHost(bind.host) : undefined };
}

function unixPath(bind: Bind): string | undefined {
  return bind.host.startsWith("unix:") ? bind.host.slice(5) : undefined;
}

function bareHost(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

async function addressFor(host: string): Promise<string> {
  const bare = bareHost(host);
  return bare === "" || isIP(bare) !== 0 ? bare : (await lookup(bare)).address;
}
