import { errorText } from "@gateway/core/gateway";
import { syntaxPlace, type SyntaxPlace } from "./syntax-place.ts";

/** What went wrong, as it travels from the worker that could not boot to those that serve on. Plain JSON. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly cause?: Failure;
}

/** Nobody follows more causes, and one may be its own. */
const maxCauses = 5;

/**
 * Describes what kept an application from booting: names, messages, stacks and causes, and none of an error's own properties, which may hold secrets. Where a syntax error
 * does not say in which file it is, which is usual for ES modules, that is found out. To be called in a process that is about to end, see {@link syntaxPlace}.
 */
export function describeFailure(thrown: unknown): Failure {
  try {
    return describe(thrown, 0);
  } catch {
    // Getters and proxies may throw.
    return failureOf(errorText(thrown).trimEnd());
  }
}

/** A failure that nothing was thrown for. */
export function failureOf(message: string): Failure {
  return { name: "Error", message, stack: `Error: ${message}` };
}

/** The same for a log: the place of a syntax error as the runtime shows it, then the stack and the causes. In a process that is about to end, too. */
export function failureText(thrown: unknown): string {
  try {
    return `${shownPlace(thrown)}${errorText(thrown)}`;
  } catch {
    return errorText(thrown);
  }
}

/** The error again, on the other side. */
export function failureError({ name, message, stack, cause }: Failure): Error {
  const error = new Error(message, cause === undefined ? undefined : { cause: failureError(cause) });
  Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  Object.defineProperty(error, "stack", { value: stack, configurable: true, writable: true });
  return error;
}

function describe(thrown: unknown, depth: number): Failure {
  if (!(thrown instanceof Error)) return failureOf(errorText(thrown).trimEnd());
  const { name, message, stack = `${name}: ${message}` } = thrown;
  const frame = isAboutText(thrown) || !hasPlace(stack) ? frameOf(thrown) : undefined;
  const cause = thrown.cause === undefined || depth >= maxCauses ? undefined : describe(thrown.cause, depth + 1);
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
function frameOf(error: Error): string | undefined {
  const place = placeOf(error);
  if (place !== undefined) return frameAt(place.file, place.line, place.column);
  // Compilers say it in the message.
  const [, file, line, column = 1] = /(?:file:\/\/)?(\/[^\s:()]+):(\d+)(?::(\d+))?/.exec(error.message) ?? [];
  return file === undefined ? undefined : frameAt(file, Number(line), Number(column));
}

function placeOf(error: Error): SyntaxPlace | undefined {
  return error.name === "SyntaxError" ? syntaxPlace(error) : undefined;
}

/** Of the first in the chain of causes that does not begin with it already, as what CommonJS throws does. */
function shownPlace(thrown: unknown): string {
  let error = thrown;
  for (let depth = 0; depth < maxCauses && error instanceof Error; depth++) {
    const place = error.stack?.startsWith(error.name) === true ? placeOf(error) : undefined;
    if (place !== undefined) return place.shown;
    error = error.cause;
  }
  return "";
}

function frameAt(file: string, line: number, column: number): string {
  return `    at ${file}:${line}:${column}`;
}
