import type { HeaderList } from "@gateway/core";

/** A response as it came over the wire. */
interface WireResponse {
  /** `"HTTP/1.1"` */
  readonly version: string;
  /** `"200 OK"` */
  readonly status: string;
  readonly code: number;
  readonly headers: HeaderList;
}

/** What came is no HTTP/1.1: bytes that a strict client does not accept. */
export class HttpFormatError extends Error {
  constructor(rule: string, got: string) {
    super(`${rule}: ${JSON.stringify(got.slice(0, 200))}`);
    this.name = "HttpFormatError";
  }
}

const latin1 = new TextDecoder("latin1");
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const maxLineBytes = 64 * 1024;

type Step = "status" | "header" | "sized" | "closed" | "chunk size" | "chunk" | "chunk end" | "trailer" | "done";

/**
 * Reads one response of HTTP/1.1 from bytes that come in any split (RFC 9112, sections 4 to 7). Strict where clients are lenient:
 * lines end with CRLF, header names are tokens, one way of framing, nothing before and nothing after. Pure: it knows no socket.
 */
export class ResponseReader {
  /** Informational responses (100, 103) that came before. */
  readonly interim: WireResponse[] = [];
  /** Fields that came after a chunked body. */
  readonly trailers: HeaderList = [];
  /** The final head, once it is complete. */
  head: WireResponse | undefined = undefined;
  /** The body is not whole: the connection ended before it did. */
  truncated = false;

  readonly #bodiless: boolean;
  readonly #chunks: Uint8Array[] = [];
  #bodyBytes = 0;
  #step: Step = "status";
  #line: Uint8Array = new Uint8Array(0);
  #started: WireResponse | undefined = undefined;
  /** Bytes that the body, or this chunk of it, still has. */
  #left = 0;

  /** @param method of the request: HEAD has no body, whatever the head says. */
  constructor(method: string) {
    this.#bodiless = method === "HEAD";
  }

  /** The response is complete. One that only the end of the connection delimits never is before `end`. */
  get done(): boolean {
    return this.#step === "done";
  }

  /** How much of the body has come. */
  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  /** The body, as far as it has come. */
  body(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  /**
   * Takes bytes as they come.
   *
   * @throws {HttpFormatError} for what a strict client refuses.
   */
  push(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#step === "done") throw new HttpFormatError("bytes follow the response", latin1.decode(rest));
      rest = this.#isBody() ? this.#takeBody(rest) : this.#takeLine(rest);
    }
  }

  /** The connection has ended; `clean` when the other side ended it in order. */
  end(clean: boolean): void {
    if (this.#step === "done" || this.head === undefined) return;
    // Only an orderly end can delimit a body.
    this.truncated = this.#step !== "closed" || !clean;
    this.#step = "done";
  }

  #isBody(): boolean {
    return this.#step === "sized" || this.#step === "closed" || this.#step === "chunk";
  }

  #takeBody(bytes: Uint8Array): Uint8Array {
    const taken = this.#step === "closed" ? bytes : bytes.subarray(0, this.#left);
    this.#chunks.push(Uint8Array.from(taken));
    this.#bodyBytes += taken.length;
    if (this.#step === "closed") return bytes.subarray(bytes.length);
    this.#left -= taken.length;
    if (this.#left === 0) this.#step = this.#step === "sized" ? "done" : "chunk end";
    return bytes.subarray(taken.length);
  }

  #takeLine(bytes: Uint8Array): Uint8Array {
    const at = bytes.indexOf(0x0a);
    const part = at === -1 ? bytes : bytes.subarray(0, at + 1);
    const line = Buffer.concat([this.#line, part]);
    if (line.length > maxLineBytes) throw new HttpFormatError(`a line has more than ${maxLineBytes} bytes`, latin1.decode(line));
    this.#line = line;
    if (at === -1) return bytes.subarray(bytes.length);
    const text = latin1.decode(line);
    this.#line = new Uint8Array(0);
    if (!text.endsWith("\r\n") || text.indexOf("\r") !== text.length - 2)
      throw new HttpFormatError("a line ends with CRLF alone", text);
    this.#takeText(text.slice(0, -2));
    return bytes.subarray(at + 1);
  }

  #takeText(line: string): void {
    switch (this.#step) {
      case "status":
        this.#started = statusLine(line);
        this.#step = "header";
        return;
      case "header":
        if (line === "") this.#headEnds();
        else this.#started?.headers.push(field(line));
        return;
      case "chunk size":
        this.#chunkBegins(line);
        return;
      case "chunk end":
        if (line !== "") throw new HttpFormatError("a chunk ends with CRLF", line);
        this.#step = "chunk size";
        return;
      default:
        if (line === "") this.#step = "done";
        else this.trailers.push(field(line));
    }
  }

  #headEnds(): void {
    const head = this.#started;
    if (head === undefined) return;
    this.#started = undefined;
    if (head.code < 200) {
      if (head.code === 101) throw new HttpFormatError("nobody asked for another protocol", head.status);
      this.interim.push(head);
      this.#step = "status";
      return;
    }
    this.head = head;
    this.#step = this.#framing(head);
  }

  /** How the body is delimited (RFC 9112, section 6.3). */
  #framing({ code, headers }: WireResponse): Step {
    const coding = valuesOf(headers, "transfer-encoding");
    const length = valuesOf(headers, "content-length");
    if (coding.length > 0 && length.length > 0)
      throw new HttpFormatError("Transfer-Encoding and Content-Length", length.join(", "));
    if (coding.length > 1 || (coding[0] ?? "chunked").toLowerCase() !== "chunked") {
      throw new HttpFormatError("Transfer-Encoding is chunked", coding.join(", "));
    }
    if (length.length > 1 || !/^[0-9]{1,15}$/.test(length[0] ?? "0"))
      throw new HttpFormatError("Content-Length is digits, once", length.join(", "));
    if (code === 204 && (coding.length > 0 || length.length > 0))
      throw new HttpFormatError("204 has no framing", [...coding, ...length].join());
    if (this.#bodiless || code === 204 || code === 304) return "done";
    if (coding.length > 0) return "chunk size";
    if (length[0] === undefined) return "closed";
    this.#left = Number(length[0]);
    return this.#left === 0 ? "done" : "sized";
  }

  #chunkBegins(line: string): void {
    // Extensions are allowed by the standard; nobody here sends one.
    if (!/^[0-9A-Fa-f]{1,12}$/.test(line)) throw new HttpFormatError("a chunk size is hex digits", line);
    this.#left = Number.parseInt(line, 16);
    this.#step = this.#left === 0 ? "trailer" : "chunk";
  }
}

function statusLine(line: string): WireResponse {
  const parts = /^(HTTP\/1\.[01]) ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
  if (parts === null) throw new HttpFormatError("a status line is HTTP/1.1, three digits, a space, a reason", line);
  const [, version = "", code = "", reason = ""] = parts;
  return { version, status: reason === "" ? code : `${code} ${reason}`, code: Number(code), headers: [] };
}

function field(line: string): [string, string] {
  const colon = line.indexOf(":");
  const name = line.slice(0, Math.max(colon, 0));
  if (!token.test(name)) throw new HttpFormatError("a header begins with a token and a colon", line);
  const value = line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, "");
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f)
      throw new HttpFormatError("a header value has no control characters", line);
  }
  return [name, value];
}

function valuesOf(headers: HeaderList, name: string): string[] {
  return headers.filter(([known]) => known.toLowerCase() === name).map(([, value]) => value);
}
