import type { ErrorStream } from "@gateway/core";

/** How much an entry matters, from the least. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** What the command has to say. */
export interface ErrorLog {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  /** @param detail several lines, such as a stack, which follow the message, indented. */
  error(message: string, detail?: string): void;
  /** For `errors` of the servers: each `write()` of whole lines is one entry of level `error`. */
  readonly stream: ErrorStream;
}

/** Settings of {@link errorLog}. */
export interface ErrorLogOptions {
  /** What is less than that is left out (default `"info"`). */
  readonly level?: LogLevel | undefined;
  /** Who says it, `"worker 2"` (default: nothing but the number of the process). */
  readonly label?: string | undefined;
  /** A clock in milliseconds since 1970 (default `Date.now`). */
  readonly now?: (() => number) | undefined;
}

const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];
/** A line of `wsgi.errors` that does not end is cut there. */
const longestLine = 64 * 1024;

/**
 * Writes entries: `2026-11-21T19:05:38.123Z [4711] warning: message`, one line each. Only what comes with an error has more, its stack, and those lines are indented.
 * Everything outside printable ASCII is escaped, so that neither an application's error nor a client's words in it make entries of their own or steer a
 * terminal.
 */
export function errorLog(log: { write(entry: string): void }, options: ErrorLogOptions = {}): ErrorLog {
  const { level = "info", label, now = Date.now } = options;
  const least = levels.indexOf(level);
  const who = label === undefined ? String(process.pid) : `${process.pid} ${escapeLine(label)}`;
  const say = (level: LogLevel, message: string, more = ""): void => {
    if (levels.indexOf(level) < least) return;
    log.write(`${new Date(now()).toISOString()} [${who}] ${level}: ${escapeLine(message)}\n${more}`);
  };
  return {
    debug: (message) => say("debug", message),
    info: (message) => say("info", message),
    warning: (message) => say("warning", message),
    error: (message, detail = "") => say("error", message, indented(detail)),
    stream: streamInto((lines) => {
      const end = lines.indexOf("\n");
      const first = end === -1 ? lines : lines.slice(0, end);
      say("error", first, end === -1 ? "" : indented(lines.slice(end + 1)));
    }),
  };
}

/** Text as one line of printable ASCII: everything else as `\xhh` or `\u{h}`. */
export function escapeLine(text: string): string {
  return text.replaceAll(/[^ -~]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x1_00 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** Several lines as {@link escapeLine} has one, each with its indentation; a tab is two spaces. */
export function escapeLines(text: string): string {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => `${escapeLine(line.replaceAll("\t", "  "))}\n`)
    .join("");
}

/** Frames and causes stand directly below the message; other lines keep their indentation, since what points to a column may be among them. */
function indented(text: string): string {
  return escapeLines(text)
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => `    ${line.replace(/^ +(?=at |caused by: )/, "")}\n`)
    .join("");
}

/** Gathers pieces until a line is whole. */
function streamInto(say: (lines: string) => void): ErrorStream {
  let held = "";
  const take = (end: number): void => {
    const lines = held.slice(0, end).trimEnd();
    held = held.slice(end);
    if (lines !== "") say(lines);
  };
  const write = (text: string): void => {
    held += text;
    const end = held.lastIndexOf("\n");
    if (end !== -1) take(end + 1);
    if (held.length > longestLine) take(held.length);
  };
  return {
    write,
    writelines(lines) {
      write([...lines].join(""));
    },
    flush: () => take(held.length),
  };
}
