import { HTTPError, type InputStream } from "@gateway/core";
import { inputStream } from "@gateway/core/gateway";

/** The error for a body that is too large. */
export function tooLarge(bytes: number): HTTPError {
  return new HTTPError(413, `The request body has more than the ${bytes} bytes that are allowed.`);
}

/**
 * The same body, for as long as it is no larger than it may be: the read that meets the byte too many rejects with a 413, and so does any
 * that follows. Reads no more of it than it is asked for.
 *
 * @param refused is told once, before the first read rejects.
 */
export function limitedInput(input: InputStream, bytes: number, refused: () => void): InputStream {
  let iterator: AsyncIterator<Uint8Array> | undefined;
  let read = 0;
  return inputStream({
    async pull() {
      iterator ??= input[Symbol.asyncIterator]();
      const step = await iterator.next();
      if (step.done === true) return undefined;
      read += step.value.byteLength;
      if (read <= bytes) return step.value;
      refused();
      throw tooLarge(bytes);
    },
  });
}
