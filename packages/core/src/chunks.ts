import { describe } from "./application.ts";
import type { ResponseBody } from "./contract.ts";
import { isThenable } from "./thenable.ts";

export type BodyIterator = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;

/** Is it bytes, of this realm or another? */
export function isBytes(value: unknown): value is Uint8Array {
  return (
    value instanceof Uint8Array || (ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]")
  );
}

/** @throws {TypeError} for what is not bytes; the message names the fix. */
export function assertBytes(chunk: unknown): asserts chunk is Uint8Array {
  if (chunk instanceof Uint8Array || isBytes(chunk)) return;
  const fix = typeof chunk === "string" ? ": encode it, as Buffer.from(text) does" : "";
  throw new TypeError(`a chunk of the body is a Uint8Array, not ${describe(chunk)}${fix}`);
}

/**
 * What gives the chunks of a body, one after the other.
 *
 * @throws {TypeError} for what is no body; the message names the fix.
 */
export function iteratorOf(body: ResponseBody): BodyIterator {
  const given: unknown = body;
  if (typeof given === "string") throw new TypeError("the body is a string: return [Buffer.from(text)], an iterable of bytes");
  if (isBytes(given)) throw new TypeError("the body is a bare Uint8Array, which would be sent byte by byte: return [bytes]");
  const iterator = typeof given === "object" && given !== null ? makeIterator(body) : undefined;
  if (typeof iterator === "object" && iterator !== null) return iterator;
  throw new TypeError(
    `the application returned ${describe(given)}: it returns an iterable or async iterable of Uint8Array, or a promise of one`,
  );
}

/** What the body's own method gives, whatever that is. */
function makeIterator(body: ResponseBody): BodyIterator | undefined {
  if (isAsync(body)) return body[Symbol.asyncIterator]();
  if (Symbol.iterator in body && typeof body[Symbol.iterator] === "function") return body[Symbol.iterator]();
  return undefined;
}

/** Do the chunks of this body have to be awaited? */
export function isAsync(body: ResponseBody): body is AsyncIterable<Uint8Array> {
  return (
    typeof body === "object" && body !== null && Symbol.asyncIterator in body && typeof body[Symbol.asyncIterator] === "function"
  );
}

/** Calls `return()` of an iterator that is left before its end. Nothing waits for it. */
export function leave(iterator: BodyIterator, failed: (error: unknown) => void): void {
  try {
    const returned: unknown = iterator.return?.();
    if (isThenable(returned)) Promise.resolve(returned).then(undefined, failed);
  } catch (error) {
    failed(error);
  }
}
