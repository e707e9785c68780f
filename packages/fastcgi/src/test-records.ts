/** A record as a test reads it. */
export interface TestRecord {
  readonly type: number;
  readonly id: number;
  /** Latin-1. */
  readonly content: string;
}

/** A record, written by hand so that the tests do not read with what they test. */
export function rec(type: number, id: number, content = "", padding = 0): string {
  const { length } = content;
  const header = String.fromCharCode(1, type, id >> 8, id & 0xff, length >> 8, length & 0xff, padding, 0);
  return header + content + "\xaa".repeat(padding);
}

/** BEGIN_REQUEST. */
export function begin(id: number, keep = true, role = 1): string {
  return rec(1, id, String.fromCharCode(role >> 8, role & 0xff, keep ? 1 : 0, 0, 0, 0, 0, 0));
}

/** A stream of name-value pairs; `long` writes all lengths with four bytes. */
export function pairs(variables: Readonly<Record<string, string>>, long = false): string {
  const length = (text: string): string =>
    text.length < 128 && !long
      ? String.fromCharCode(text.length)
      : String.fromCharCode(0x80, (text.length >> 16) & 0xff, (text.length >> 8) & 0xff, text.length & 0xff);
  return Object.entries(variables)
    .map(([name, value]) => length(name) + length(value) + name + value)
    .join("");
}

/** A stream in records of so many bytes, and its end. */
export function stream(type: number, id: number, content: string, cut = 65_535, padding = 0): string {
  let text = "";
  for (let at = 0; at < content.length; at += cut) text += rec(type, id, content.slice(at, at + cut), padding);
  return text + rec(type, id);
}

/** The records of a whole request. */
export function request(
  id: number,
  variables: Readonly<Record<string, string>> = {},
  body = "",
  { keep = true, cut = 65_535, padding = 0 }: { keep?: boolean; cut?: number; padding?: number } = {},
): string {
  const length: Record<string, string> = body === "" ? {} : { CONTENT_LENGTH: `${body.length}` };
  const all = { REQUEST_METHOD: body === "" ? "GET" : "POST", SCRIPT_NAME: "", PATH_INFO: "/", ...length, ...variables };
  return begin(id, keep) + stream(4, id, pairs(all), cut, padding) + stream(5, id, body, cut, padding);
}

/** All records that are whole; throws for what is none. */
export function records(text: string): TestRecord[] {
  const all: TestRecord[] = [];
  for (let at = 0; at < text.length;) {
    const code = (offset: number): number => text.charCodeAt(at + offset);
    const length = code(4) * 256 + code(5);
    const end = at + 8 + length + code(6);
    if (code(0) !== 1 || Number.isNaN(code(7)) || end > text.length) throw new Error(`no whole record at ${at} of ${text.length}`);
    all.push({ type: code(1), id: code(2) * 256 + code(3), content: text.slice(at + 8, at + 8 + length) });
    at = end;
  }
  return all;
}

/** STDOUT of one request, joined. */
export function output(text: string, id: number): string {
  return records(text)
    .filter((one) => one.type === 6 && one.id === id)
    .map((one) => one.content)
    .join("");
}

/** `[appStatus, protocolStatus]` of the END_REQUEST of one request; `undefined` where there is none. */
export function ending(text: string, id: number): [number, number] | undefined {
  const end = records(text).find((one) => one.type === 3 && one.id === id);
  return end === undefined ? undefined : [Buffer.from(end.content, "latin1").readUInt32BE(0), end.content.charCodeAt(4)];
}
