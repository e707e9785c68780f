/** Writes text so that it stays in its place of a line. */
export type Escape = (text: string) => string;

/** How the characters of a string become the bytes that are escaped. */
export type Octets =
  /** One byte a character: header values, the request target. */
  | "latin1"
  /** Decoded text: `PATH_INFO`, names of users. */
  | "utf8";

/** Longer text is not kept, for the little it would save. */
const maxRemembered = 512;

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, "0");

/**
 * Makes what escapes a field as Apache does: `"` and `\` with a backslash, every byte outside printable ASCII as `\xhh`. A character that
 * no byte can be (above U+00FF) goes as UTF-8 in either way.
 *
 * @param delimiters printable characters that end the field where it stands in the line, written as `\xhh` too: without that a client
 *   could write fields of its own.
 * @param behind what stands behind the field, as it is: every piece of a line costs.
 */
export function escaper(octets: Octets, delimiters = "", behind = ""): Escape {
  const table = Array.from({ length: 256 }, (_, byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") return `\\${character}`;
    const isPlain = byte >= 0x20 && byte < 0x7f && !delimiters.includes(character);
    return isPlain ? character : `\\x${hex(byte, 2)}`;
  });
  const plain = table.map((text, byte) => (text.length === 1 ? `\\x${hex(byte, 2)}` : "")).join("");
  // A search for what must be escaped is twice as fast as a loop over the characters, and nearly always finds nothing.
  const unsafe = new RegExp(`[^${plain}]`);
  // The method, the protocol, the browser of a client that asks much: what comes again is not read again.
  let last: string | undefined;
  let lastEscaped = "";
  return (text) => {
    if (text === last) return lastEscaped;
    const escaped = (unsafe.test(text) ? escapeBytes(text, octets, table) : text) + behind;
    if (text.length > maxRemembered) return escaped;
    last = text;
    lastEscaped = escaped;
    return escaped;
  };
}

function escapeBytes(text: string, octets: Octets, table: readonly string[]): string {
  const bytes = Buffer.from(text, octets === "latin1" && !/[^\0-\u{FF}]/u.test(text) ? "latin1" : "utf8");
  let escaped = "";
  for (const byte of bytes) escaped += table[byte] ?? "";
  return escaped;
}

const notJson = /[^ !#-[\]-~]/;

/** The inside of a JSON string, in printable ASCII: everything else as `\uhhhh`. */
export function escapeJson(text: string): string {
  if (!notJson.test(text)) return text;
  let escaped = "";
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22 || code === 0x5c) escaped += `\\${text.charAt(i)}`;
    else escaped += code >= 0x20 && code < 0x7f ? text.charAt(i) : `\\u${hex(code, 4)}`;
  }
  return escaped;
}

const notPrintable = /[^ -~]/;

/**
 * What somebody's own format made, as one line of printable ASCII: everything else as `\uhhhh`, which is right inside of JSON too. Quotes
 * and backslashes stay: whoever made the line knows where they belong.
 */
export function oneLine(text: string): string {
  if (!notPrintable.test(text)) return text;
  let line = "";
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    line += code >= 0x20 && code < 0x7f ? text.charAt(i) : `\\u${hex(code, 4)}`;
  }
  return line;
}
