import type { CgiVariables } from "@gateway/core/gateway";
import { Refusal, type PacketReader } from "@gateway/sockets";

/** The header before the variables: modifier1, their length in two bytes, the lower first, and modifier2. */
const headerBytes = 4;
/** What modifier1 says: a WSGI request, or one whose PATH_INFO still begins with SCRIPT_NAME. */
const wsgi = 0;
const wsgiWithScriptName = 30;

/** Reads a uwsgi request: names and values, each with its length in two bytes before it. */
export class UwsgiReader implements PacketReader {
  readonly #maxBytes: number;
  #buffer: Buffer = Buffer.alloc(0);
  #used = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {Refusal} for what is no request of this protocol. */
  push(chunk: Buffer): { variables: CgiVariables; rest: Buffer } | undefined {
    const bytes = this.#append(chunk);
    const modifier = bytes[0];
    if (modifier !== wsgi && modifier !== wsgiWithScriptName && modifier !== undefined) {
      throw new Refusal(400, "modifier1 is neither 0 nor 30: the front server wants something else than WSGI");
    }
    if (bytes.length < headerBytes) return undefined;
    const end = headerBytes + bytes.readUInt16LE(1);
    if (end - headerBytes > this.#maxBytes) throw new Refusal(431, "the variables are longer than the server takes");
    if (bytes.length < end) return undefined;
    const variables = variablesOf(bytes.subarray(headerBytes, end));
    return { variables: modifier === wsgiWithScriptName ? split(variables) : variables, rest: bytes.subarray(end) };
  }

  /** A packet has at most 64 KiB: room for all of it is made once, when its length is known. */
  #append(chunk: Buffer): Buffer {
    if (this.#used === 0) {
      this.#buffer = chunk;
    } else {
      if (this.#used + chunk.length > this.#buffer.length) {
        const room = Buffer.allocUnsafe(Math.max(512, 2 * (this.#used + chunk.length)));
        this.#buffer.copy(room, 0, 0, this.#used);
        this.#buffer = room;
      }
      chunk.copy(this.#buffer, this.#used);
    }
    this.#used += chunk.length;
    return this.#buffer.subarray(0, this.#used);
  }
}

function variablesOf(bytes: Buffer): CgiVariables {
  const strings: string[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) throw new Refusal(400, "the length of a variable is cut off");
    const from = at + 2;
    at = from + bytes.readUInt16LE(at);
    if (at > bytes.length) throw new Refusal(400, "a variable is longer than the packet");
    strings.push(bytes.toString("latin1", from, at));
  }
  if (strings.length % 2 !== 0) throw new Refusal(400, "a variable has no value");
  return strings;
}

/** Takes SCRIPT_NAME off the front of PATH_INFO. */
function split(variables: CgiVariables): CgiVariables {
  const value = (name: string): string => {
    const at = variables.findLastIndex((text, i) => i % 2 === 0 && text === name);
    return at === -1 ? "" : (variables[at + 1] ?? "");
  };
  const script = value("SCRIPT_NAME");
  const path = value("PATH_INFO");
  if (script === "" || !path.startsWith(script)) return variables;
  return [...variables, "PATH_INFO", path.slice(script.length)];
}
