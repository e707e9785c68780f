import { readFileSync } from "node:fs";
import { endianness } from "node:os";
import type { ServerAddress } from "@gateway/server";

/** How many connections wait at one address for somebody to accept them. */
export interface AcceptQueue {
  readonly address: ServerAddress;
  readonly waiting: number;
}

/** The tables of the kernel, by their names in `/proc/net`. */
export interface KernelTables {
  readonly tcp: string;
  readonly tcp6: string;
  readonly unix: string;
}

/**
 * Counts who waits in the accept queues of listening sockets, of all of them together where several have the same address (`SO_REUSEPORT`). Linux only: elsewhere,
 * and for sockets that are not in the tables, there is nothing.
 *
 * @param addresses where somebody listens.
 * @param tables what the kernel says (default: `/proc/net`, read now).
 */
export function acceptQueues(
  addresses: readonly ServerAddress[],
  tables: KernelTables = readTables(addresses),
): readonly AcceptQueue[] {
  return addresses.flatMap((address) => {
    const waiting =
      address.kind === "unix" ? waitingOnUnix(tables.unix, address.path) : waitingOnTcp(tables, address.host, address.port);
    return waiting === undefined ? [] : [{ address, waiting }];
  });
}

/** In the row of a socket that listens, `rx_queue` is how many wait. */
function waitingOnTcp({ tcp, tcp6 }: KernelTables, host: string, port: number): number | undefined {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  let waiting: number | undefined;
  for (const row of `${tcp}\n${tcp6}`.split("\n")) {
    const [, local = "", , state, queues = ""] = row.trim().split(/\s+/);
    if (state !== "0A" || !local.endsWith(wanted) || !isLocal(local.slice(0, -5), host)) continue;
    waiting = (waiting ?? 0) + Number.parseInt(queues.slice(9), 16);
  }
  return waiting;
}

/** Each that waits is a row with the path of the socket, in the state "connecting". */
function waitingOnUnix(table: string, path: string): number | undefined {
  let isThere = false;
  let waiting = 0;
  for (const row of table.split("\n")) {
    if (!row.endsWith(` ${path}`)) continue;
    const [, , , flags = "", , state] = row.split(/\s+/);
    // __SO_ACCEPTCON
    if ((Number.parseInt(flags, 16) & 0x1_00_00) !== 0) isThere = true;
    else if (state === "02") waiting++;
  }
  return isThere ? waiting : undefined;
}

/** The address of the kernel, 32 bits at a time in the order of this machine, against one that people read. */
function isLocal(hex: string, host: string): boolean {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = Buffer.concat(words.map((word) => Buffer.from(word, "hex")));
  if (endianness() === "LE") bytes.swap32();
  return bytes.equals(hex.length === 8 ? (bytesOfV4(host) ?? noBytes) : (bytesOfV6(host) ?? noBytes));
}

const noBytes = Buffer.alloc(0);

function bytesOfV4(host: string): Buffer | undefined {
  const parts = host.split(".");
  return parts.length === 4 ? Buffer.from(parts.map(Number)) : undefined;
}

function bytesOfV6(host: string): Buffer | undefined {
  if (!host.includes(":")) return undefined;
  const [address = ""] = host.split("%");
  const [head = "", tail] = address.split("::");
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const missing = 8 - left.length - right.length;
  if (missing < 0 || (missing > 0 && tail === undefined)) return undefined;
  const all = [...left, ...Array.from({ length: missing }, () => 0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): readonly number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    const embedded = bytesOfV4(group);
    return embedded === undefined ? [Number.parseInt(group, 16)] : [embedded.readUInt16BE(0), embedded.readUInt16BE(2)];
  });
}

function readTables(addresses: readonly ServerAddress[]): KernelTables {
  const hasTcp = addresses.some(({ kind }) => kind === "tcp");
  const hasUnix = addresses.some(({ kind }) => kind === "unix");
  return { tcp: hasTcp ? read("tcp") : "", tcp6: hasTcp ? read("tcp6") : "", unix: hasUnix ? read("unix") : "" };
}

function read(table: string): string {
  try {
    return readFileSync(`/proc/net/${table}`, "latin1");
  } catch {
    return "";
  }
}
