import type { ParserLimits } from "./limits.ts";
import { isBlank, tokenOctets } from "./octets.ts";
import { Refusal } from "@gateway/sockets";
import { TrailerReader } from "./trailers.ts";

const CR = 0x0d;
const LF = 0x0a;
const semicolon = 0x3b;
const equals = 0x3d;
const quote = 0x22;
const backslash = 0x5c;

/** Where in `chunked-body` (RFC 9112 section 7.1) the next octet stands. */
const At = {
  size: 0,
  /** Behind blanks that followed a size or the value of an extension: only the next extension may come. */
  beforeSemicolon: 1,
  beforeName: 2,
  name: 3,
  beforeEquals: 4,
  beforeValue: 5,
  token: 6,
  quoted: 7,
  escaped: 8,
  afterQuoted: 9,
  sizeLineFeed: 10,
  data: 11,
  dataReturn: 12,
  dataLineFeed: 13,
  trailers: 14,
} as const;

/** Decodes one chunked body (RFC 9112 section 7.1): octet by octet outside the data; inside it in slices, without a copy. */
export class ChunkedDecoder {
  ended = false;
  readonly #maxOverhead: number;
  readonly #trailers: TrailerReader;
  #at: number = At.size;
  #size = 0;
  #digits = 0;
  /** Extensions and needless zeros, over the whole message: a client may send them for ever without a byte of data. */
  #overhead = 0;

  constructor(limits: ParserLimits) {
    this.#maxOverhead = limits.chunkOverheadBytes;
    this.#trailers = new TrailerReader(limits);
  }

  /**
   * Takes octets from `bytes[from]` on, up to the first slice of data or the end of the body.
   *
   * @returns how far it came, and the data that ends there, if any.
   * @throws {Refusal}
   */
  decode(bytes: Buffer, from: number, to: number): { at: number; data: Buffer | undefined } {
    let at = from;
    while (at < to && !this.ended) {
      if (this.#at === At.data) {
        const end = Math.min(to, at + this.#size);
        this.#size -= end - at;
        if (this.#size === 0) this.#at = At.dataReturn;
        return { at: end, data: bytes.subarray(at, end) };
      }
      this.#octet(bytes[at] ?? 0);
      at++;
    }
    return { at, data: undefined };
  }

  #octet(octet: number): void {
    switch (this.#at) {
      case At.size:
        return this.#sizeDigit(octet);
      case At.sizeLineFeed:
        expect(octet === LF, "a chunk size line ends in a carriage return without a line feed");
        this.#at = this.#size === 0 ? At.trailers : At.data;
        return;
      case At.dataReturn:
        expect(octet === CR, "chunk data is not followed by CRLF");
        this.#at = At.dataLineFeed;
        return;
      case At.dataLineFeed:
        expect(octet === LF, "chunk data is not followed by CRLF");
        this.#at = At.size;
        this.#digits = 0;
        return;
      case At.trailers:
        this.ended = this.#trailers.octet(octet);
        return;
      default:
        // The line end is no extension.
        if (octet !== CR) this.#count();
        this.#at = extension(this.#at, octet);
    }
  }

  #sizeDigit(octet: number): void {
    const digit = hexValue(octet);
    if (digit === -1) {
      expect(this.#digits > 0, "a chunk does not begin with its size in hexadecimal digits");
      if (octet !== CR) this.#count();
      this.#at = endOfValue(octet);
      return;
    }
    if (this.#digits > 0 && this.#size === 0) this.#count();
    this.#size = this.#digits === 0 ? digit : this.#size * 16 + digit;
    this.#digits++;
    if (!Number.isSafeInteger(this.#size)) throw new Refusal(413, "a chunk is larger than can be counted");
  }

  #count(): void {
    if (++this.#overhead > this.#maxOverhead) throw new Refusal(413, "the chunks have more extensions than data");
  }
}

/** `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`, RFC 9112 section 7.1.1. What extensions say is ignored. */
function extension(at: number, octet: number): number {
  const isToken = tokenOctets[octet] === 1;
  switch (at) {
    case At.beforeSemicolon:
      if (isBlank(octet)) return at;
      expect(octet === semicolon, "a chunk size is followed by something that is no extension");
      return At.beforeName;
    case At.beforeName:
      if (isBlank(octet)) return at;
      expect(isToken, "a chunk extension has no name");
      return At.name;
    case At.name:
    case At.beforeEquals:
      if (octet === equals) return At.beforeValue;
      if (isBlank(octet)) return At.beforeEquals;
      if (at === At.name && isToken) return at;
      expect(at === At.name || octet === semicolon, "the name of a chunk extension is followed by neither = nor ;");
      return endOfValue(octet);
    case At.beforeValue:
      if (isBlank(octet)) return at;
      expect(isToken || octet === quote, "a chunk extension has no value behind its =");
      return isToken ? At.token : At.quoted;
    case At.token:
      return isToken ? at : endOfValue(octet);
    case At.afterQuoted:
      return endOfValue(octet);
    case At.escaped:
      expect(isText(octet), "a quoted chunk extension has a control character");
      return At.quoted;
    default:
      if (octet === quote) return At.afterQuoted;
      if (octet === backslash) return At.escaped;
      expect(isText(octet), "a quoted chunk extension has a control character");
      return At.quoted;
  }
}

/** What may stand behind a size or a whole extension. */
function endOfValue(octet: number): number {
  if (octet === CR) return At.sizeLineFeed;
  if (octet === semicolon) return At.beforeName;
  expect(isBlank(octet), "a chunk size line has a character that does not belong there");
  return At.beforeSemicolon;
}

function expect(condition: boolean, otherwise: string): void {
  if (!condition) throw new Refusal(400, `${otherwise} (RFC 9112 section 7.1)`);
}

function isText(octet: number): boolean {
  return octet === 0x09 || (octet >= 0x20 && octet !== 0x7f);
}

function hexValue(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
