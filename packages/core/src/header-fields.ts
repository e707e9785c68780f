import type { Header, HeaderList } from "./contract.ts";
import { wellFormed } from "./path.ts";

/** Parameters of a header value, see {@link formatParameters}. */
export type HeaderParameters = Readonly<Record<string, string | number | null | undefined>>;

/** 1 for each ASCII character that a token may hold. */
const tokenCharacters: Uint8Array = Uint8Array.from({ length: 0x80 }, (_, code) =>
  /[A-Za-z0-9!#$%&'*+.^_`|~-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** Is it a token, such as names of headers, methods and parameters are: visible ASCII without separators, not empty (RFC 9110, section 5.6.2)? */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (tokenCharacters[text.charCodeAt(i)] !== 1) return false;
  return text !== "";
}

const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "trailers",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Is it a hop-by-hop header, in any case: one that belongs to the connection, which the server handles, so that an application must
 * not send it (PEP 3333, "Other HTTP Features"; RFC 9110, section 7.6.1)? Knows the registered ones, and `Trailers`, as wsgiref
 * spells it; not those that the value of a `Connection` header names.
 */
export function isHopByHop(name: string): boolean {
  return hopByHop.has(name.toLowerCase());
}

/**
 * Checks the value of a header: latin-1, no control character but HTAB, so that it can neither end its line nor be cut short
 * (RFC 9110, section 5.5).
 *
 * @throws {TypeError} that names the header, the code point and its place. The value is not shown: it may be a secret.
 */
export function checkHeaderValue(name: string, value: string): void {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) {
      const what = code > 0xff ? "has a character above U+00FF (percent-encode it, or see RFC 8187)" : "has a control character";
      throw new TypeError(`header ${name} ${what}: U+${code.toString(16).toUpperCase().padStart(4, "0")} at ${i}`);
    }
  }
}

/**
 * A header value with parameters: `formatParameters("attachment", { filename: "a b.gif" })` is `attachment; filename="a b.gif"`.
 * A parameter value goes as it is where it is a token, else in quotes, with `"` and `\` escaped (RFC 9110, section 5.6.6). One with
 * characters beyond ASCII goes as UTF-8 in the form of RFC 8187: `filename*=UTF-8''na%C3%AFve.txt`. A name that ends with `*` is
 * always sent so, which allows a plain one beside it for old clients: `{ filename: "naive.txt", "filename*": "naïve.txt" }`.
 *
 * The `_` of a name becomes `-`, as in wsgiref. `null` gives the name alone, `undefined` leaves the parameter out. An empty `value`
 * gives the parameters alone. Does not check that the header knows the parameter, nor quote or check `value` but for what
 * {@link checkHeaderValue} refuses.
 *
 * @throws {TypeError} for a name that is not a token, a number that is not finite, or a control character.
 */
export function formatParameters(value: string, parameters: HeaderParameters): string {
  checkHeaderValue("value", value);
  const parts = value === "" ? [] : [value];
  for (const [key, given] of Object.entries(parameters)) {
    if (given === undefined) continue;
    const name = key.replaceAll("_", "-");
    if (!isToken(name)) throw new TypeError(`a parameter name is a token (RFC 9110, section 5.6.2), not ${escaped(key)}`);
    if (typeof given === "number" && !Number.isFinite(given))
      throw new TypeError(`parameter ${name} is ${given}, not a finite number`);
    parts.push(given === null ? name : formatParameter(name, String(given)));
  }
  return parts.join("; ");
}

function formatParameter(name: string, value: string): string {
  let extended = name.endsWith("*");
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) {
      throw new TypeError(
        `parameter ${name} has a control character: U+${code.toString(16).toUpperCase().padStart(4, "0")} at ${i}`,
      );
    }
    if (code > 0x7f) extended = true;
  }
  if (extended) return `${name.endsWith("*") ? name : `${name}*`}=UTF-8''${extendedValue(value)}`;
  return isToken(value) ? `${name}=${value}` : `${name}="${value.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** The value-chars of RFC 8187, section 3.2.1. */
function extendedValue(value: string): string {
  // encodeURIComponent leaves these four, which are no attr-char. What it encodes beyond need may be encoded.
  return encodeURIComponent(wellFormed(value)).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A text from a stranger, quoted, cut and in visible ASCII: fit for an error message that ends up in a log. */
function escaped(text: string): string {
  return JSON.stringify(text.slice(0, 200)).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function checkName(name: string): void {
  if (!isToken(name)) throw new TypeError(`a header name is a token (RFC 9110, section 5.6.2), not ${escaped(name)}`);
}

/** Are two names the same but for the case of ASCII letters? (`toLowerCase` would take the Kelvin sign for a k.) */
function sameName(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) {
    const a = one.charCodeAt(i);
    const b = other.charCodeAt(i);
    if (a === b) continue;
    const lower = a | 0x20;
    if (lower !== (b | 0x20) || lower < 0x61 || lower > 0x7a) return false;
  }
  return true;
}

/**
 * A header list, worked on by name, in any case: `wsgiref.headers.Headers` in our names. Works on the list it was given, in
 * place, so the list can go to `startResponse`, and a layer can use it on a list that belongs to the server. A pair is replaced, never
 * changed. What it puts in is checked; what stood in the list before is not, until `toString`: the gateway checks it before it sends.
 *
 * Looks through the list each time: right for the ten headers of a response, not an index for thousands.
 */
export class HeaderFields implements Iterable<Header> {
  /** The list itself: give it to `startResponse`. */
  readonly list: HeaderList;

  /** @param list the list to work on (default: a new one). Not copied. */
  constructor(list: HeaderList = []) {
    this.list = list;
  }

  /** How many headers there are, each repetition counted. */
  get size(): number {
    return this.list.length;
  }

  /** The value of the first header of that name. Repeated ones are not joined. */
  get(name: string): string | undefined {
    return this.list.find((header) => sameName(header[0], name))?.[1];
  }

  /** The values of all headers of that name, in order; an array of its own. */
  getAll(name: string): string[] {
    return this.list.filter((header) => sameName(header[0], name)).map((header) => header[1]);
  }

  /** Is there a header of that name? */
  has(name: string): boolean {
    return this.list.some((header) => sameName(header[0], name));
  }

  /**
   * Puts this header in the place of the first one of that name and removes the others; at the end when there is none. (wsgiref
   * puts it at the end each time.)
   *
   * @param parameters added to the value as {@link formatParameters} does.
   * @throws {TypeError} for a name that is not a token, or a value that {@link checkHeaderValue} refuses; the list is then unchanged.
   */
  set(name: string, value: string, parameters?: HeaderParameters): void {
    const header = makeHeader(name, value, parameters);
    const first = this.list.findIndex((known) => sameName(known[0], name));
    if (first === -1) {
      this.list.push(header);
      return;
    }
    this.list[first] = header;
    this.#remove(name, first + 1);
  }

  /**
   * Adds a header behind the others, also where there is one of that name: `append("Content-Disposition", "attachment", { filename })`.
   *
   * @param parameters added to the value as {@link formatParameters} does.
   * @throws {TypeError} as {@link HeaderFields.set} does.
   */
  append(name: string, value: string, parameters?: HeaderParameters): void {
    this.list.push(makeHeader(name, value, parameters));
  }

  /** Removes all headers of that name. Returns whether there were any. */
  delete(name: string): boolean {
    return this.#remove(name, 0);
  }

  /**
   * Adds the header unless there is one of that name. Returns the value in force: that of the first such header, or `value`.
   *
   * @throws {TypeError} as {@link HeaderFields.set} does, but only where it would add.
   */
  setDefault(name: string, value: string): string {
    const known = this.get(name);
    if (known !== undefined) return known;
    this.append(name, value);
    return value;
  }

  /** The pairs, in order. */
  [Symbol.iterator](): IterableIterator<Header> {
    return this.list.values();
  }

  /**
   * The headers as they go over the wire (RFC 9112, section 2.1): each line with its CRLF, and the empty line that ends them. To be
   * encoded as latin-1.
   *
   * @throws {TypeError} as {@link HeaderFields.set} does, for whatever stands in the list: nothing here may write a second response.
   */
  toString(): string {
    let text = "";
    for (const [name, value] of this.list) {
      checkName(name);
      checkHeaderValue(name, value);
      text += `${name}: ${value}\r\n`;
    }
    return `${text}\r\n`;
  }

  /** Removes the headers of that name from an index on, in one pass and in place. */
  #remove(name: string, from: number): boolean {
    const { list } = this;
    let kept = from;
    for (const header of list.slice(from)) if (!sameName(header[0], name)) list[kept++] = header;
    const found = kept < list.length;
    list.length = kept;
    return found;
  }
}

function makeHeader(name: string, value: string, parameters: HeaderParameters | undefined): Header {
  checkName(name);
  const whole = parameters === undefined ? value : formatParameters(value, parameters);
  checkHeaderValue(name, whole);
  return [name, whole];
}
