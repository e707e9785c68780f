import type { Entry } from "./access-entry.ts";
import { shortMilliseconds } from "./atoms.ts";
import { escaper } from "./escape.ts";
import type { Redactor } from "./redact.ts";

const colours = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2 } as const;

/**
 * For whoever develops: `GET /hello?a=b 200 1.3 ms 14 B`, and how it ended where that was not well. The status has the colour of its class.
 * All that comes from the client is escaped, so every escape sequence in the line is of this function.
 */
export function devWriter(redactor: Redactor, hasColour: boolean, end: string): (entry: Entry) => string {
  const escape = escaper("latin1", " ");
  const paint = (colour: keyof typeof colours, text: string): string =>
    hasColour ? `\u{1B}[${colours[colour]}m${text}\u{1B}[0m` : text;
  return (entry) => {
    const { statusCode, outcome } = entry;
    const request = `${escape(entry.method)} ${escape(redactor.url(entry.target))}`;
    const status = paint(colourOf(statusCode), statusCode === "" ? "-" : statusCode);
    const measures = paint("dim", `${shortMilliseconds(entry.totalMilliseconds)} ms ${entry.bodyBytes} B`);
    return `${request} ${status} ${measures}${outcome === "finished" ? "" : ` ${paint("red", outcome)}`}${end}`;
  };
}

function colourOf(status: string): keyof typeof colours {
  if (status.startsWith("2")) return "green";
  if (status.startsWith("3")) return "cyan";
  return status.startsWith("4") ? "yellow" : "red";
}

/** Are colours wanted there? A terminal that has not been told otherwise (no-color.org). */
export function wantsColour(
  stream: { readonly isTTY?: boolean | undefined } | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const { NO_COLOR = "", TERM } = environment;
  return stream?.isTTY === true && NO_COLOR === "" && TERM !== "dumb";
}
