import { describe } from "./application.ts";
import type { HeaderList } from "./contract.ts";
import { checkHeaderValue, isHopByHop, isToken } from "./header-fields.ts";

/** The head of a response, checked, as a gateway is to send it. */
export interface Head {
  /** `"200 OK"`: visible ASCII, spaces and obs-text. */
  status: string;
  code: number;
  /** Names are tokens, values hold no control characters and nothing above U+00FF: fit to be written as latin-1. */
  headers: HeaderList;
  /** Which of the headers that gateways supply themselves are there already: the bits of {@link Seen}. */
  seen: number;
  /** How many bytes of body will be written: -1 when that is unknown, 0 for HEAD, 204 and 304. */
  length: number;
  /** The response has no body by its nature (HEAD, 204, 304): a gateway adds no Content-Length and no framing of its own. */
  bodiless: boolean;
}

/** Bits of {@link Head.seen}. */
export const Seen = { length: 1, date: 2, server: 4, type: 8 } as const;

/** What was learned about a header name when it was first used. */
interface Name {
  /** Why an application may not send it; `""` when it may. */
  readonly refused: string;
  readonly seen: number;
  /** The value that was last found good, so that one that repeats is not read again. */
  value: string;
}

const hopByHop = "is a hop-by-hop header, which only the server may send (PEP 3333, Other HTTP Features)";
const notAToken = "is not a header name: a token of RFC 9110 section 5.6.2";
const status = "does not belong in a response: the status is the first argument of startResponse";
const seenBits: Readonly<Record<string, number>> = {
  "content-length": Seen.length,
  date: Seen.date,
  server: Seen.server,
  "content-type": Seen.type,
};

// Both are bounded, because names and statuses may come from a back end or a client by way of a careless application.
const names = new Map<string, Name>();
const statuses = new Map<string, number>();
const maxRemembered = 1024;
const maxRememberedLength = 64;
/** Of a value: policies are long, and the same in each response. */
const maxRememberedValue = 1024;

/** Marks a list whose head was sent: it belongs to the server, and giving it again would send what layers pushed to it twice. */
const sent: unique symbol = Symbol("sent");
type Marked = HeaderList & { [sent]?: true };

/**
 * The head that `startResponse` was asked for.
 *
 * @throws {TypeError} for a status, a list, a name or a value that may not be sent; the message says which and why.
 */
export function checkHead(status: string, headers: HeaderList): Head {
  const code = statusCode(status);
  const head: Head = { status, code, headers, seen: 0, length: -1, bodiless: code === 204 || code === 304 };
  if (!Array.isArray(headers))
    throw new TypeError(`response headers are an array of [name, value] pairs, not ${describe(headers)}`);
  if ((headers as Marked)[sent] === true) {
    throw new TypeError("this header list was sent with an earlier response and belongs to the server: make a fresh one for each");
  }
  checkHeaders(head);
  return head;
}

/**
 * Checks the list of a head, and reads from it what `seen` and `length` tell.
 *
 * @throws {TypeError} as {@link checkHead} does.
 */
export function checkHeaders(head: Head): void {
  const { headers } = head;
  let seen = 0;
  head.length = -1;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (!Array.isArray(header) || header.length !== 2)
      throw new TypeError(`a response header is a [name, value] pair, not ${describe(header)}`);
    const [name, value] = header;
    if (typeof name !== "string") throw new TypeError(`the name of a response header is a string, not ${describe(name)}`);
    const known = names.get(name) ?? learn(name);
    if (known.refused !== "") throw new TypeError(`response header ${JSON.stringify(name)} ${known.refused}`);
    if (value !== known.value) {
      if (typeof value !== "string")
        throw new TypeError(`the value of response header ${name} is a string, not ${describe(value)}`);
      checkHeaderValue(name, value);
      if (value.length <= maxRememberedValue) known.value = value;
    }
    if (known.seen === Seen.length) {
      if ((seen & Seen.length) !== 0) throw new TypeError("response header Content-Length is given twice");
      head.length = contentLength(value);
    }
    seen |= known.seen;
  }
  head.seen = seen;
}

/**
 * Marks the list of a head that is about to be sent.
 *
 * @throws {TypeError} for a list that cannot be changed. (To ask earlier, with `Object.isExtensible`, costs as much as all the checks.)
 */
export function markSent(headers: HeaderList): void {
  try {
    (headers as Marked)[sent] = true;
  } catch {
    throw new TypeError("the list of response headers is frozen, but layers push to it: make a fresh one for each response");
  }
}

/**
 * Checks the headers of an informational response.
 *
 * @throws {TypeError} as {@link checkHead} does.
 */
export function checkHints(headers: HeaderList): void {
  if (!Array.isArray(headers)) throw new TypeError(`early hints are an array of [name, value] pairs, not ${describe(headers)}`);
  checkHeaders({ status: "103 Early Hints", code: 103, headers, seen: 0, length: -1, bodiless: true });
}

/** RFC 9110 section 8.6: no Content-Length on a 204. */
export function dropContentLength(head: Head): void {
  if ((head.seen & Seen.length) === 0) return;
  const at = head.headers.findIndex(([name]) => name.toLowerCase() === "content-length");
  head.headers.splice(at, 1);
  head.seen &= ~Seen.length;
}

function learn(name: string): Name {
  const lower = name.toLowerCase();
  const refused = !isToken(name) ? notAToken : isHopByHop(lower) ? hopByHop : lower === "status" ? status : "";
  const known: Name = { refused, seen: Object.hasOwn(seenBits, lower) ? (seenBits[lower] ?? 0) : 0, value: "" };
  if (names.size < maxRemembered && name.length <= maxRememberedLength) names.set(name, known);
  return known;
}

/** RFC 9110 section 8.6: digits, no more than can be counted. */
function contentLength(value: string): number {
  let length = value === "" ? NaN : 0;
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    length = digit >= 0 && digit <= 9 ? length * 10 + digit : NaN;
  }
  if (!Number.isSafeInteger(length))
    throw new TypeError(`response header Content-Length is a number of bytes in digits, not ${JSON.stringify(value)}`);
  return length;
}

/** RFC 9112 section 4: three digits, then a space and a reason phrase that may be empty, or nothing. Final statuses only. */
function statusCode(status: string): number {
  const known = statuses.get(status);
  if (known !== undefined) return known;
  if (typeof status !== "string") throw new TypeError(`the status is a string like "200 OK", not ${describe(status)}`);
  if (!/^[1-5][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?$/.test(status)) {
    throw new TypeError(
      `the status is three digits, a space and a reason, like "200 OK", not ${JSON.stringify(status.slice(0, 200))}`,
    );
  }
  const code = Number(status.slice(0, 3));
  if (code < 200)
    throw new TypeError(`the status ${JSON.stringify(status)} is no final status: for 103 there is earlyHints() of the exchange`);
  if (statuses.size < maxRemembered && status.length <= maxRememberedLength) statuses.set(status, code);
  return code;
}
