import type { CgiVariables } from "@gateway/core/gateway";
import { GatheredBytes, Refusal, type PacketReader } from "@gateway/sockets";

const colon = 0x3a;
const comma = 0x2c;

/** Reads an SCGI request: a netstring of names and values, each with a NUL behind it, `CONTENT_LENGTH` first. */
export class ScgiReader implements PacketReader {
  readonly #maxBytes: number;
  readonly #gathered = new GatheredBytes();
  /** Where the variables begin; 0 while the length is not whole. */
  #from = 0;
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {Refusal} for what is no SCGI request. */
  push(chunk: Buffer): { variables: CgiVariables; rest: Buffer } | undefined {
    const bytes = this.#gathered.append(chunk);
    if (this.#from === 0 && !this.#readLength(bytes)) return undefined;
    const end = this.#from + this.#length;
    if (bytes.length <= end) return undefined;
    if (bytes[end] !== comma) throw new Refusal(400, "the variables do not end with a comma");
    return { variables: variablesOf(bytes.toString("latin1", this.#from, end)), rest: bytes.subarray(end + 1) };
  }

  #readLength(bytes: Buffer): boolean {
    let length = 0;
    for (const [at, octet] of bytes.subarray(0, 11).entries()) {
      if (octet === colon && at > 0) {
        this.#from = at + 1;
        this.#length = length;
        return true;
      }
      // A netstring has one way to write its length.
      if (octet < 0x30 || octet > 0x39 || (at > 0 && length === 0)) break;
      length = length * 10 + octet - 0x30;
      if (length > this.#maxBytes) throw new Refusal(431, "the variables are longer than the server takes");
      if (at + 1 === bytes.length) return false;
    }
    throw new Refusal(400, "an SCGI request begins with the length of its variables and a colon");
  }
}

function variablesOf(text: string): CgiVariables {
  if (!text.endsWith("\0")) throw new Refusal(400, "the last variable has no NUL behind it");
  const strings = text.slice(0, -1).split("\0");
  if (strings.length % 2 !== 0) throw new Refusal(400, "a variable has no value");
  if (strings[0] !== "CONTENT_LENGTH") throw new Refusal(400, "the first variable is not CONTENT_LENGTH");
  return strings;
}
