import type { Environ, ErrorStream } from "./contract.ts";
import { encodePath } from "./path.ts";

/**
 * Writes an error with its stack and its causes to `wsgi.errors`, behind the request that it comes from: `GET /path: Error: …`; where even that
 * fails, to the console.
 */
export function report(errors: ErrorStream, request: RequestLine, error: unknown): void {
  const text = requestText(request) + errorText(error);
  try {
    errors.write(text);
    errors.flush();
  } catch {
    console.error(text);
  }
}

/** What {@link report} says of a request. */
type RequestLine = Pick<Environ, "REQUEST_METHOD" | "SCRIPT_NAME" | "PATH_INFO">;

/** Without the query, which may hold secrets, and encoded, so that nobody writes a line of his own. */
function requestText({ REQUEST_METHOD: method, SCRIPT_NAME: root, PATH_INFO: path }: RequestLine): string {
  try {
    return `${encodePath(method)} ${encodePath(root + path)}: `;
  } catch {
    // An application took them away.
    return "";
  }
}

/**
 * One error as lines of a log. Messages may hold what a client sent: control characters are escaped, and every line but the first is
 * indented, so that nobody can write a line, or a colour, of his own.
 */
export function errorText(error: unknown): string {
  let text: string;
  try {
    text = withCauses(error);
  } catch {
    // Getters and proxies may throw, and an error that cannot be shown must not become another.
    text = "thrown: a value that cannot be shown";
  }
  return `${escapeControls(text).replaceAll("\n", "\n    ")}\n`;
}

function withCauses(error: unknown): string {
  let text = oneError(error);
  let cause = causeOf(error);
  // A cause may be its own cause; nobody reads more than a few.
  for (let depth = 1; depth < 5 && cause !== undefined; depth++) {
    text += `\ncaused by: ${oneError(cause)}`;
    cause = causeOf(cause);
  }
  return text;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function oneError(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${typeof error === "string" ? error : (JSON.stringify(error) ?? String(error))}`;
  const stack = error.stack ?? "";
  return stack.includes(error.message) ? stack : `${error.name}: ${error.message}\n${stack}`;
}

/** Escapes C0 (but the line end and the tab), DEL, C1 and the Unicode line ends and direction marks. */
function escapeControls(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]|[\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
