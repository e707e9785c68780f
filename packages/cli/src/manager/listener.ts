import { lookup } from "node:dns/promises";
import { isIP, type AddressInfo } from "node:net";
import { checkSocketDescriptor, withoutMapping, type ServerAddress } from "@gateway/sockets";
import { listenFailure, type Bind } from "../bind.ts";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";
import { HeldSocket, type Acceptance } from "./held-socket.ts";
import { boundAddress, boundHandle, hasBoundHandles, hasReusePort, inheritedHandle, type BoundTo } from "./native-handle.ts";
import { makeWay, putInPlace, removeSocketFile, temporaryPath, type SocketFile } from "./unix-path.ts";

/** A listening socket that came from another process: a descriptor, and what cannot be seen from it. */
export interface InheritedSocket {
  /** Those of one bind are several where each worker had its own. */
  readonly bind: string;
  readonly fd: number;
  readonly file: SocketFile | undefined;
  /** Whether further sockets may have the same port. */
  readonly reusePort?: boolean | undefined;
}

type ListenerSettings = Pick<Settings, "spread" | "backlog" | "unixMode" | "unixOwner">;

/** What {@link openListener} found or made. */
interface Opened {
  readonly sockets: HeldSocket[];
  readonly info: AddressInfo | string | null;
  readonly file?: SocketFile | undefined;
  /** Where further sockets for the same port are bound. */
  readonly reused?: BoundTo | undefined;
  readonly isInherited?: boolean;
}

/** One bind: holds its sockets open. */
export class Listener {
  readonly bind: Bind;
  readonly address: ServerAddress;
  /** The name that was listened on, for `SERVER_NAME`; `undefined` on all interfaces. */
  readonly serverName: string | undefined;
  /** Whether workers are handed connections that were accepted in this process. */
  readonly isHanded: boolean;
  /** Whether it is this process that takes the file of a Unix socket away: not as long as another parent serves there, too. */
  ownsFile: boolean;
  readonly #settings: ListenerSettings;
  readonly #acceptance: Acceptance;
  readonly #sockets: HeldSocket[];
  readonly #file: SocketFile | undefined;
  readonly #reused: BoundTo | undefined;

  constructor(bind: Bind, settings: ListenerSettings, acceptance: Acceptance, opened: Opened) {
    this.bind = bind;
    this.#settings = settings;
    this.#acceptance = acceptance;
    this.#sockets = opened.sockets;
    this.#file = opened.file;
    this.#reused = opened.reused;
    this.ownsFile = opened.isInherited !== true;
    this.isHanded = settings.spread === "round-robin" || this.#isSpread || opened.sockets.length > 1;
    ({ address: this.address, serverName: this.serverName } = namesOf(bind, opened.info, opened.file));
  }

  /** The descriptor that the worker at this place accepts on; `undefined`: it is handed what is accepted here. */
  descriptor(place: number): number | undefined {
    if (this.#settings.spread === "round-robin") return undefined;
    const own = this.#isSpread ? place : 0;
    while (this.#reused !== undefined && this.#sockets.length <= own) {
      this.#sockets.push(new HeldSocket(this.#acceptance, boundHandle(this.#reused, true)));
    }
    return this.#sockets[own]?.fd ?? -1;
  }

  /**
   * Accepts here, from now on, on every socket that no worker has: the system goes on giving each its share of the connections, and closing one would reset
   * those that wait in it.
   *
   * @param places how many places have a worker, or will have one again.
   * @throws {StartError} when the system refuses it.
   */
  async accept(places: number): Promise<void> {
    const first = this.#settings.spread === "round-robin" ? 0 : this.#isSpread ? places : 1;
    try {
      await Promise.all(this.#sockets.slice(first).map((socket) => socket.accept(this.#settings.backlog)));
    } catch (error) {
      throw new StartError(listenFailure(this.bind, error));
    }
  }

  /** All that is open, for another parent. */
  get inheritance(): InheritedSocket[] {
    const { text } = this.bind;
    return this.#sockets.map(({ fd }) => ({ bind: text, fd, file: this.#file, reusePort: this.#reused !== undefined }));
  }

  /** Lets the sockets go. */
  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.close();
    if (this.ownsFile && this.#file !== undefined) removeSocketFile(this.#file);
    this.ownsFile = false;
  }

  /** Whether each place has a socket of its own. */
  get #isSpread(): boolean {
    return this.#settings.spread === "reuse-port" && this.#reused !== undefined;
  }
}

/**
 * Opens the socket of a bind, or takes over those that another parent had there.
 *
 * Connections on a socket that is new are accepted at once; those on one that was taken over from {@link Listener.accept} on, since whoever had it may
 * serve them if this process comes to nothing.
 *
 * @throws {StartError} when the system refuses it.
 */
export async function openListener(
  bind: Bind,
  settings: ListenerSettings,
  inherited: readonly InheritedSocket[],
  acceptance: Acceptance,
): Promise<Listener> {
  try {
    if (settings.spread !== "round-robin") checkSpread(settings.spread);
    return new Listener(bind, settings, acceptance, await opened(bind, settings, inherited, acceptance));
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(listenFailure(bind, error));
  }
}

/** @throws {StartError} where this runtime cannot do it. */
export function checkSpread(spread: "shared" | "reuse-port"): void {
  if (!hasBoundHandles()) throw new StartError(`this runtime cannot spread connections by ${spread}: use --spread round-robin`);
  if (spread === "reuse-port" && !hasReusePort()) {
    throw new StartError(
      `--spread reuse-port needs Linux and Node.js 22.12 or newer, this is ${process.versions.node} on ${process.platform}: use round-robin`,
    );
  }
}

function opened(
  bind: Bind,
  settings: ListenerSettings,
  inherited: readonly InheritedSocket[],
  acceptance: Acceptance,
): Opened | Promise<Opened> {
  const fd = bind.host.startsWith("fd://") ? Number(bind.host.slice(5)) : undefined;
  const taken = inherited.length === 0 && fd !== undefined ? [{ bind: bind.text, fd, file: undefined }] : inherited;
  if (taken.length > 0) return takenOver(taken, acceptance);
  const path = unixPath(bind);
  if (path !== undefined) return onPath(path, settings, acceptance);
  return settings.spread === "round-robin"
    ? accepting(bind, settings.backlog, acceptance)
    : bound(bind, settings.spread === "reuse-port", acceptance);
}

/** Descriptors that others made. */
async function takenOver(inherited: readonly InheritedSocket[], acceptance: Acceptance): Promise<Opened> {
  const [{ fd, file, reusePort } = { fd: -1, file: undefined }] = inherited;
  for (const socket of inherited) checkSocketDescriptor(socket.fd);
  if (!hasBoundHandles()) {
    const socket = new HeldSocket(acceptance);
    await socket.listen({ fd } as object);
    return { sockets: [socket], info: socket.address, file, isInherited: true };
  }
  const handles = inherited.map((socket) => inheritedHandle(socket.fd));
  const sockets = handles.map((handle) => new HeldSocket(acceptance, handle));
  // Unix sockets of libuv do not tell where they are.
  const [first] = handles;
  const info = first?.getsockname === undefined ? null : boundAddress(first);
  return { sockets, info, file, reused: reusePort === true && info !== null ? info : undefined, isInherited: true };
}

async function onPath(path: string, settings: ListenerSettings, acceptance: Acceptance): Promise<Opened> {
  await makeWay(path);
  const temporary = temporaryPath(path);
  let socket: HeldSocket;
  if (settings.spread === "round-robin") {
    socket = new HeldSocket(acceptance);
    await socket.listen({ path: temporary, backlog: settings.backlog });
  } else {
    socket = new HeldSocket(acceptance, boundHandle({ path: temporary }, false));
  }
  return { sockets: [socket], info: path, file: putInPlace(temporary, path, settings.unixMode, settings.unixOwner) };
}

/** A server of this process. */
async function accepting({ host, port }: Bind, backlog: number, acceptance: Acceptance): Promise<Opened> {
  const socket = new HeldSocket(acceptance);
  await socket.listen(host === "" ? { port, backlog } : { host: bareHost(host), port, backlog });
  return { sockets: [socket], info: socket.address };
}

/** A socket that is held here for workers which accept by themselves. */
async function bound({ host, port }: Bind, isReused: boolean, acceptance: Acceptance): Promise<Opened> {
  const handle = boundHandle({ address: await addressFor(host), port }, isReused);
  const info = boundAddress(handle);
  return { sockets: [new HeldSocket(acceptance, handle)], info, reused: isReused ? info : undefined };
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
