import { HTTPError, type Environ } from "@gateway/core";
import { emptyInput } from "@gateway/core/gateway";

/** The body of a request, as it is handed on. */
export interface EnvironBody {
  /** In bytes; `undefined` where nobody said, and there is a body. */
  readonly length: number | undefined;
  readonly chunks: AsyncIterable<Uint8Array> | undefined;
}

const nothing: EnvironBody = { length: undefined, chunks: undefined };
const empty: EnvironBody = { length: 0, chunks: undefined };

/**
 * The body of the request of an environ. Where neither a length nor a transfer coding tells whether there is one, it waits for the first
 * piece of it.
 */
export function environBody(environ: Environ): EnvironBody | Promise<EnvironBody> {
  const input = environ["wsgi.input"];
  const { CONTENT_LENGTH, HTTP_TRANSFER_ENCODING } = environ;
  if (CONTENT_LENGTH !== undefined && CONTENT_LENGTH !== "") {
    const length = Number(CONTENT_LENGTH);
    return length === 0 ? empty : { length, chunks: input };
  }
  if (input === emptyInput) return nothing;
  return HTTP_TRANSFER_ENCODING === undefined ? looked(input) : { length: undefined, chunks: input };
}

async function looked(input: AsyncIterable<Uint8Array>): Promise<EnvironBody> {
  const iterator = input[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return nothing;
  let isFirst = true;
  // No generator: one that is left before it began would never give what was read already.
  const chunks: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next() {
        if (!isFirst) return iterator.next();
        isFirst = false;
        return Promise.resolve(first);
      },
    }),
  };
  return { length: undefined, chunks };
}

/**
 * Reads a body whole, where it has to be known how long it is.
 *
 * @throws {HTTPError} 411 for more than that many bytes.
 */
export async function gathered(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<EnvironBody> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.byteLength;
    if (length > maxBytes) throw new HTTPError(411, `A body of more than ${maxBytes} bytes must come with a Content-Length.`);
    pieces.push(chunk);
  }
  return { length, chunks: once(Buffer.concat(pieces)) };
}

function once(chunk: Uint8Array): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      let isLeft = true;
      return {
        async next() {
          if (!isLeft) return { done: true, value: undefined };
          isLeft = false;
          return { done: false, value: chunk };
        },
      };
    },
  };
}
