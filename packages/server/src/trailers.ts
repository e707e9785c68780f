import { headerName } from "./header-name.ts";
import type { ParserLimits } from "./limits.ts";
import { Refusal } from "@gateway/sockets";

const CR = 0x0d;
const LF = 0x0a;

/** Fields that say how a message is framed, routed or authorised: in a trailer they would come too late (RFC 9110 section 6.5.1). */
const forbidden: ReadonlySet<string> = new Set([
  "HTTP_AUTHORIZATION",
  "HTTP_CONNECTION",
  "HTTP_CONTENT_ENCODING",
  "HTTP_CONTENT_RANGE",
  "HTTP_COOKIE",
  "HTTP_EXPECT",
  "HTTP_HOST",
  "HTTP_KEEP_ALIVE",
  "HTTP_MAX_FORWARDS",
  "HTTP_PROXY_AUTHORIZATION",
  "HTTP_PROXY_CONNECTION",
  "HTTP_RANGE",
  "HTTP_TE",
  "HTTP_TRAILER",
  "HTTP_TRANSFER_ENCODING",
  "HTTP_UPGRADE",
  "CONTENT_LENGTH",
  "CONTENT_TYPE",
]);

/** Reads the trailer section of a chunked body (RFC 9112 section 7.1.2): checks it, and keeps nothing of it. */
export class TrailerReader {
  readonly #limits: ParserLimits;
  #line = "";
  #lines = 0;
  #bytes = 0;
  #sawReturn = false;

  constructor(limits: ParserLimits) {
    this.#limits = limits;
  }

  /** @returns whether this octet ended the section. */
  octet(octet: number): boolean {
    if (this.#sawReturn) {
      if (octet !== LF) throw new Refusal(400, "a trailer line has a carriage return without a line feed");
      this.#sawReturn = false;
      if (this.#line === "") return true;
      this.#check();
      this.#line = "";
      return false;
    }
    if (octet === CR) {
      this.#sawReturn = true;
      return false;
    }
    if ((octet < 0x20 && octet !== 0x09) || octet === 0x7f) throw new Refusal(400, "there is a control character in a trailer");
    if (++this.#bytes > this.#limits.trailerBytes) throw new Refusal(431, "the trailers are too long");
    this.#line += String.fromCharCode(octet);
    return false;
  }

  #check(): void {
    if (++this.#lines > this.#limits.headerCount) throw new Refusal(431, "there are too many trailer lines");
    const colon = this.#line.indexOf(":");
    const name = colon === -1 ? undefined : headerName(this.#line.slice(0, colon));
    if (name === undefined) throw new Refusal(400, "a trailer line is no header line (RFC 9112 section 5)");
    if (forbidden.has(name.key)) throw new Refusal(400, "a trailer has a field that may not stand in one (RFC 9110 section 6.5.1)");
  }
}
