import * as net from "node:net";
import { isIP } from "node:net";
import { getSystemErrorMap } from "node:util";

/** What is used of a socket of libuv: bound, but not watched by the loop of this process. */
export interface NativeHandle {
  readonly fd: number;
  close(callback?: () => void): void;
  getsockname?(out: object): number;
}

/** `UV_TCP_REUSEPORT`. */
const reusePortFlag = 2;

/** The descriptor behind a server, to be inherited by other processes. -1 where the runtime has none. */
export function descriptorOf(server: net.Server): number {
  const handle: unknown = Reflect.get(server, "_handle");
  const fd: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
  return typeof fd === "number" ? fd : -1;
}

/** Whether the system can spread connections over several sockets of one port, and the runtime can ask for it. */
export function hasReusePort(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  return process.platform === "linux" && (major > 22 || (major === 22 && minor >= 12));
}

/**
 * A socket that is bound but not accepted from here, for workers that do so themselves. There is no public way to have one: a net.Server that
 * listens also accepts. node:cluster makes them with the same function.
 *
 * @param reusePort further sockets may have the same port: the system spreads connections over those that listen.
 * @throws an error of the system.
 */
export function boundHandle(listening: BoundTo, reusePort: boolean): NativeHandle {
  if ("path" in listening) return made(create(listening.path, -1, -1, undefined, 0));
  const { address, port } = listening;
  const flags = reusePort ? reusePortFlag : 0;
  if (address !== "") return made(create(address, port, isIP(address), undefined, flags));
  // All interfaces: IPv6 with IPv4 mapped into it, or IPv4 alone where the machine has no IPv6.
  const both = create("::", port, 6, undefined, flags);
  return typeof both === "number" ? made(create("0.0.0.0", port, 4, undefined, flags)) : both;
}

/**
 * The same of a socket that was inherited. Closing it closes the descriptor.
 *
 * @throws an error of the system, for a descriptor that is no socket.
 */
export function inheritedHandle(fd: number): NativeHandle {
  return made(create("", 0, -1, fd, 0));
}

/** What a socket is bound to; the address in numbers, `""` for all interfaces. */
export type BoundTo = { readonly path: string } | { readonly address: string; readonly port: number };

/** Whether {@link boundHandle} can do anything here. */
export function hasBoundHandles(): boolean {
  return typeof Reflect.get(net, "_createServerHandle") === "function";
}

/** The address that a bound handle of TCP has. */
export function boundAddress(handle: NativeHandle): net.AddressInfo {
  const out: Record<string, unknown> = {};
  const status = handle.getsockname?.(out) ?? 0;
  if (status !== 0) throw systemError(status);
  return { address: String(out["address"]), port: Number(out["port"]), family: String(out["family"]) };
}

type Create = (address: string, port: number, type: number, fd: number | undefined, flags: number) => NativeHandle | number;

function create(address: string, port: number, type: number, fd: number | undefined, flags: number): NativeHandle | number {
  return (Reflect.get(net, "_createServerHandle") as Create)(address, port, type, fd, flags);
}

function made(handle: NativeHandle | number): NativeHandle {
  if (typeof handle === "number") throw systemError(handle);
  return handle;
}

function systemError(status: number): NodeJS.ErrnoException {
  const [code = "UNKNOWN", text = "unknown error"] = getSystemErrorMap().get(status) ?? [];
  return Object.assign(new Error(`${code}: ${text}`), { code });
}
