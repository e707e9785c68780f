import { HTTPError } from "@gateway/core";
import { cgiEnviron, emptyInput, type CgiVariables } from "@gateway/core/gateway";
import { errorsTo } from "../errors-to.ts";
import { pieces, seededRandom } from "./counts.ts";

/** What reads the packet that begins a connection: of SCGI, of uwsgi. */
export interface PacketReaderLike {
  push(chunk: Buffer): { readonly variables: CgiVariables; readonly rest: Buffer } | undefined;
}

/** What became of a packet. */
export interface PacketResult {
  readonly variables: CgiVariables;
  /** What follows it; latin-1. */
  readonly rest: string;
  /** The status it was refused with; 0 where it was not, -1 where it is not whole. */
  readonly code: number;
}

/** Gives a reader these pieces, latin-1. Throws what is thrown and no `Refusal`. */
export function readPacket(reader: PacketReaderLike, parts: readonly string[]): PacketResult {
  try {
    for (const [at, part] of parts.entries()) {
      const packet = reader.push(Buffer.from(part, "latin1"));
      if (packet !== undefined)
        return { variables: packet.variables, rest: packet.rest.toString("latin1") + parts.slice(at + 1).join(""), code: 0 };
    }
  } catch (error) {
    // Told by its name: this package depends on no gateway.
    if (!(error instanceof Error) || error.name !== "Refusal" || !("code" in error)) throw error;
    return { variables: [], rest: "", code: Number(error.code) };
  }
  return { variables: [], rest: "", code: -1 };
}

/** Mutations of packets. */
export interface PacketCampaign {
  readonly seed: number;
  readonly count: number;
  /** Packets that are good, with bodies behind some of them; latin-1. */
  readonly packets: readonly string[];
  /** Texts that are put into them. */
  readonly tricky: readonly string[];
  /** How often a change is made among the first octets, from 0 to 1. */
  readonly atBegin: number;
  /** Reads the parts of one packet, with a reader of its own. */
  readonly read: (parts: readonly string[]) => PacketResult;
}

/**
 * Reads mutated packets, each whole and in pieces.
 *
 * @returns how many of them were `"accepted"`, refused, answered or incomplete.
 * @throws {Error} for one that is read in another way in pieces; and what a reader or the maker of environs throws and no client may cause.
 */
export function mutatePackets({ seed, count, packets, tricky, atBegin, read }: PacketCampaign): Map<string, number> {
  const random = seededRandom(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    let text = packets[below(packets.length)] ?? "";
    for (let left = 1 + below(3); left > 0; left--) {
      const at = random() < atBegin ? below(6) : below(text.length);
      const by = random() < 0.5 ? (tricky[below(tricky.length)] ?? "") : String.fromCharCode(below(256));
      text = text.slice(0, at) + (random() < 0.2 ? "" : by) + text.slice(at + (random() < 0.6 ? by.length : below(3)));
    }
    const whole = read([text]);
    const inPieces = read(pieces(text, random));
    if (JSON.stringify(inPieces) !== JSON.stringify(whole))
      throw new Error(`mutant ${i} is read in another way in pieces: ${JSON.stringify({ text, whole, inPieces })}`);
    const kind =
      whole.code === 0 ? environOutcome(whole.variables) : whole.code === -1 ? "incomplete" : `refused with ${whole.code}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/** What becomes of variables: `"accepted"`, or how the request is answered. */
export function environOutcome(variables: CgiVariables): string {
  try {
    cgiEnviron(variables, {
      input: emptyInput,
      errors: errorsTo(() => {}),
      serverName: "localhost",
      serverPort: "80",
      multiprocess: false,
      runOnce: false,
      mounts: undefined,
    });
    return "accepted";
  } catch (error) {
    if (!(error instanceof HTTPError)) throw error;
    return `answered with ${error.status}`;
  }
}
