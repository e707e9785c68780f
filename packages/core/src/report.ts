import type { ErrorStream } from "./contract.ts";

/** Writes an error with its stack and its causes to `wsgi.errors`; where even that fails, to the console. */
export function report(errors: ErrorStream, error: unknown): void {
  const text = errorText(error);
  try {
    errors.write(text);
    errors.flush();
  } catch {
    console.error(text);
  }
}

/**
 * One error as lines of a log. Messages may hold what a client sent: control characters are escaped, and every line but the first is
 * indented, so that nobody can write a line, or a colour, of his own.
 */
export function errorText(error: unknown): string {
  let text = "";
  let cause = error;
  // A cause may be its own cause; nobody reads more than a few.
  for (let depth = 0; depth < 5 && cause !== undefined; depth++) {
    text += depth === 0 ? oneError(cause) : `\ncaused by: ${oneError(cause)}`;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return `${escapeControls(text).replaceAll("\n", "\n    ")}\n`;
}

function oneError(error: unknown): string {
  if (error instanceof Error) {
    const title = `${error.name}: ${error.message}`;
    const stack = error.stack ?? "";
    return stack.includes(error.message) ? stack : `${title}\n${stack}`;
  }
  try {
    return `thrown: ${typeof error === "string" ? error : (JSON.stringify(error) ?? String(error))}`;
  } catch {
    return "thrown: a value that cannot be shown";
  }
}

/** Escapes C0 (but the line end and the tab), DEL, C1 and the Unicode line ends and direction marks. */
function escapeControls(text: string): string {
  return text.replaceAll(/[^\P{C}\n\t]|[\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
