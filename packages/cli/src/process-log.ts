import { dirname } from "node:path";
import type { ErrorStream } from "@gateway/core";
import { errorLog, escapeLine, escapeLines, type LogLevel } from "./logs/error-log.ts";
import { openLog, type Log } from "./logs/open-log.ts";
import type { Settings } from "./settings/settings.ts";
import { StartError } from "./start-error.ts";

/** Where the manager and the workers say what happens: one event a call. Everything outside printable ASCII is escaped. */
export interface ProcessLog {
  debug(text: string): void;
  info(text: string): void;
  warning(text: string): void;
  /** @param detail several lines, such as a stack. */
  error(text: string, detail?: string): void;
  /** For `wsgi.errors`, which the application writes to; `undefined`: the standard error of the process. */
  readonly stream: ErrorStream | undefined;
  /** Opens its file again. When it resolves, nothing is written to the old one any more. */
  reopen(): Promise<void>;
  /** Resolves when everything is written. */
  close(): Promise<void>;
}

const levels: readonly LogLevel[] = ["debug", "info", "warning", "error"];

/**
 * The log that the settings want: a file, whose lines say when and who, or the standard streams, whose lines begin with `gateway: `: what is normal on the one, what
 * is wrong on the other.
 *
 * @param label who writes there, besides the manager.
 * @throws {StartError} when the file cannot be opened.
 */
export function openProcessLog(
  { errorLog: target, logLevel }: Pick<Settings, "errorLog" | "logLevel">,
  label?: string,
): ProcessLog {
  return target === "-" ? standardLog(logLevel) : fileLog(target, logLevel, label);
}

function standardLog(level: LogLevel): ProcessLog {
  const least = levels.indexOf(level);
  const say = (output: NodeJS.WriteStream, at: LogLevel, text: string, detail?: string): void => {
    if (levels.indexOf(at) < least) return;
    output.write(`gateway: ${escapeLine(text)}\n${detail === undefined ? "" : escapeLines(detail)}`);
  };
  return {
    debug: (text) => say(process.stdout, "debug", text),
    info: (text) => say(process.stdout, "info", text),
    warning: (text) => say(process.stderr, "warning", text),
    error: (text, detail) => say(process.stderr, "error", text, detail),
    stream: undefined,
    reopen: async () => {},
    close: async () => {},
  };
}

function fileLog(target: string, level: LogLevel, label: string | undefined): ProcessLog {
  const log = opened(target);
  const entries = errorLog(log, { level, label });
  return {
    debug: (text) => entries.debug(text),
    info: (text) => entries.info(text),
    warning: (text) => entries.warning(text),
    error: (text, detail) => entries.error(text, detail),
    stream: entries.stream,
    reopen: () => log.reopen(),
    close: () => log.close(),
  };
}

/** Opens a file for a log. @throws {StartError} when that cannot be done. */
export function opened(target: string, owner?: { readonly uid: number; readonly gid: number }): Log {
  try {
    return openLog(target, { owner });
  } catch (error) {
    throw new StartError(`cannot open the log ${target}: ${openFailure(target, error)}`);
  }
}

/** The system says of a missing folder that the file is missing, and of a folder that may not be entered that permission is denied. */
function openFailure(target: string, error: unknown): string {
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  const folder = dirname(target);
  if (code === "ENOENT") return `the folder ${folder} does not exist: make it first (ENOENT)`;
  if (code !== "EACCES") return message;
  const user = process.geteuid?.() ?? "";
  return `the user ${user} who writes it may not write there, or may not enter ${folder} or a folder above it (EACCES)`;
}
