import { isHopByHop, type HeaderList } from "@gateway/core";
import { namedByConnection } from "@gateway/core/gateway";

/** The head of a response, read back from what Node has written. */
export interface ResponseHead {
  readonly status: string;
  readonly code: number;
  readonly headers: HeaderList;
}

/**
 * Reads a head: status line and header lines, without the empty line that ends them. Node has written it, so it is well-formed. Headers that belong
 * to the connection are left out, for that is the server's.
 *
 * @param text latin-1.
 */
export function parseHead(text: string): ResponseHead {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const status = statusLine.slice(statusLine.indexOf(" ") + 1);
  let headers: HeaderList = [];
  let named: readonly string[] | undefined;
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon);
    const value = withoutBlanks(line.slice(colon + 1));
    if (isHopByHop(name)) {
      if (name.toLowerCase() === "connection" && value !== "close" && value !== "keep-alive") named = namedByConnection(value);
    } else {
      headers.push([name, value]);
    }
  }
  if (named !== undefined) headers = headers.filter(([name]) => !named.includes(name.toLowerCase()));
  return { status, code: Number(status.slice(0, 3)), headers };
}

/** Not `trim()`, which takes more than spaces and tabs: U+00A0 is part of a value, or of a character of it. */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
