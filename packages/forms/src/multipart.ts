import type { Environ } from "@gateway/core";
import { checkFormLimits, multipartBytes, type CheckedLimits, type FormLimits } from "./form-limits.ts";
import { requestType, type MediaType } from "./media-type.ts";
import { MultipartReader } from "./multipart-reader.ts";
import type { Part } from "./part.ts";
import { checkLength } from "./read-bytes.ts";
import { markRead } from "./read-once.ts";
import { malformed } from "./refusals.ts";

export const multipartType = "multipart/form-data";

/**
 * The parts of a multipart body, one after the other as they arrive (RFC 7578): `for await (const part of multipart(environ)) …`. A file streams: it is read
 * from the client as it is read from the part. What is not read of a part passes by when the next one is asked for. Whoever leaves the loop leaves the rest of
 * the body unread. Can be iterated once.
 *
 * Iterating rejects with an `HTTPError`: 413 above a limit, 415 for another type or a coding, 400 with the reason for what is malformed, and with what the
 * input throws; then the part in flight rejects too.
 *
 * @throws {RangeError} for a limit that is none. @throws {Error} when the body was read already.
 */
export function multipart(environ: Environ, limits: FormLimits = {}): AsyncIterable<Part> {
  const checked = checkFormLimits("multipart", limits, multipartBytes);
  markRead(environ, "multipart");
  let isIterated = false;
  return {
    [Symbol.asyncIterator]() {
      if (isIterated) throw new Error("multipart: the parts can be iterated once");
      isIterated = true;
      return new LateReader(() => partsOf(environ, requestType(environ, [multipartType]), checked));
    },
  };
}

/** @throws {HTTPError} 413 for a length above the limit, 400 for a boundary that is none. */
export function partsOf(environ: Environ, { parameters }: MediaType, limits: CheckedLimits): MultipartReader {
  const { boundary } = parameters;
  // RFC 2046, section 5.1.1.
  if (boundary === undefined || !/^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/.test(boundary)) {
    throw malformed("The Content-Type of the multipart body has no boundary, or one that is none.");
  }
  checkLength(environ, limits.bytes);
  return new MultipartReader(environ["wsgi.input"], boundary, limits);
}

/** Begins when it is first asked, so that what is wrong with the request is told there. */
class LateReader implements AsyncIterator<Part, undefined> {
  readonly #open: () => MultipartReader;
  #reader: MultipartReader | undefined = undefined;
  #isOver = false;

  constructor(open: () => MultipartReader) {
    this.#open = open;
  }

  async next(): Promise<IteratorResult<Part, undefined>> {
    if (this.#isOver) return { done: true, value: undefined };
    this.#reader ??= this.#open();
    return this.#reader.next();
  }

  async return(): Promise<IteratorResult<Part, undefined>> {
    this.#isOver = true;
    return (await this.#reader?.return()) ?? { done: true, value: undefined };
  }
}
