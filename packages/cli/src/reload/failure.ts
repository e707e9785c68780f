import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What went wrong, as it travels from the worker that could not boot to those that serve on. Plain JSON. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: Failure;
}

/** Nobody follows more causes, and one may be its own. */
const maxCauses = 5;
/** How many files are looked at for a mistake that the runtime does not say the place of, the newest first. */
const maxChecked = 10;
const checkMilliseconds = 5000;

/**
 * Describes what kept an application from booting: names, messages, stacks and causes, and none of an error's own properties, which may hold secrets.
 *
 * @param files what the application has imported. Where a syntax error does not say in which of them it is, which is usual for ES modules, that is found out.
 */
export function describeFailure(thrown: unknown, files: readonly string[]): Failure {
  return describe(thrown, files, 0);
}

/** The error again, on the other side. */
export function failureError({ name, message, stack, cause }: Failure): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: failureError(cause) });
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  return error;
}

function describe(thrown: unknown, files: readonly string[], depth: number): Failure {
  if (!(thrown instanceof Error)) {
    const message = `thrown: ${typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? typeof thrown)}`;
    return { name: "Error", message, stack: `Error: ${message}` };
  }
  const { name, message, stack = `${name}: ${message}` } = thrown;
  const frame = isAboutText(thrown) || !hasPlace(stack) ? placeOf(thrown, files) : undefined;
  const cause = thrown.cause === undefined || depth >= maxCauses ? undefined : describe(thrown.cause, files, depth + 1);
  return {
    name,
    message,
    stack: frame === undefined ? stack : withFrame(thrown, stack, frame),
    ...(cause !== undefined && { cause }),
  };
}

/** Is it about what somebody wrote, so that where it was thrown says nothing? */
function isAboutText({ name, stack = "" }: Error): boolean {
  const first = stack.split("\n").find((line) => line.startsWith("    at ")) ?? "";
  return name === "SyntaxError" && first.includes("node:internal/");
}

/** The frame first. What CommonJS has before the name of the error would hide it. */
function withFrame({ name, message }: Error, stack: string, frame: string): string {
  const at = stack.indexOf("\n    at ");
  return `${name}: ${message}\n${frame}${at === -1 ? "" : stack.slice(at)}`;
}

/** Does a frame of it lead to a file of somebody's own? */
function hasPlace(stack: string): boolean {
  return stack
    .split("\n")
    .some((line) => /^ {4}at /.test(line) && /(?:\(|at |file:\/\/)\//.test(line) && !line.includes("/node_modules/"));
}

/** A frame for a mistake that has none. */
function placeOf(error: Error, files: readonly string[]): string | undefined {
  // Compilers say it in the message, and CommonJS before the name of the error.
  const said =
    /(?:file:\/\/)?(\/[^\s:()]+):(\d+)(?::(\d+))?/.exec(error.message) ??
    /^(?:file:\/\/)?(\/[^\s:()]+):(\d+)(?::(\d+))?$/m.exec(error.stack ?? "");
  if (said !== null) return frameAt(said[1] ?? "", Number(said[2]), Number(said[3] ?? 1));
  if (error.name !== "SyntaxError") return undefined;
  for (const file of newestFirst(files).slice(0, maxChecked)) {
    const frame = check(file);
    if (frame !== undefined) return frame;
  }
  return undefined;
}

/** `node --check` reads a file without running it, and shows the line that it cannot read. */
function check(file: string): string | undefined {
  if (!/\.[cm]?js$/.test(file) || !existsSync(file)) return undefined;
  const { status, stderr } = spawnSync(process.execPath, ["--check", file], {
    encoding: "utf8",
    timeout: checkMilliseconds,
    env: {},
  });
  const found = status === 0 ? null : /^(\S+):(\d+)\n(?:.*\n( *)\^)?/.exec(stderr);
  if (found === null) return undefined;
  const [, place = "", line, indent = ""] = found; // at the end of a file there is nothing to point to
  return frameAt(place.startsWith("file:") ? fileURLToPath(place) : place, Number(line), indent.length + 1);
}

function frameAt(file: string, line: number, column: number): string {
  return `    at ${file}:${line}:${column}`;
}

function newestFirst(files: readonly string[]): readonly string[] {
  return files
    .map((file) => ({ file, time: statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .toSorted((a, b) => b.time - a.time)
    .map(({ file }) => file);
}
