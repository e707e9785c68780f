import { checkOptionNames, HTTPError, layer, type Environ, type InputStream, type Middleware } from "@gateway/core";
import { inputStream } from "@gateway/core/gateway";
import { allCodings, availableCodings, type Coding } from "./codings.ts";
import { Decoder, type DecoderLimits, type Pull } from "./decoder.ts";
import { trimWhitespace } from "./whitespace.ts";

/** Settings of {@link inflate}. */
export interface InflateOptions {
  /** The codings to take (default: `zstd`, `br`, `gzip` and `deflate`; without `zstd` where the runtime has none). */
  codings?: readonly Coding[];
  /** How many bytes a body may have when it is decoded (default 16777216, 16 MiB). More is answered 413. */
  maxBytes?: number;
  /** How many times larger than what was sent a decoded body may be (default 200), once there is 1 MiB of it. More is answered 413. */
  maxRatio?: number;
  /** How many codings may be on top of one another (default 2). More is answered 415. */
  maxCodings?: number;
  /** As for `inputStream` of `@gateway/core/gateway`: the most that one read without a size may gather (default 16777216 bytes). */
  maxReadBytes?: number;
}

const mebibyte = 1024 * 1024;

/**
 * Decodes request bodies that came with a `Content-Encoding` (RFC 9110, section 8.4), as the application reads them. The application
 * sees neither that header nor a `CONTENT_LENGTH`, which told the length on the wire. Nothing is read before it reads.
 *
 * An unknown coding is answered 415 with an `Accept-Encoding` that says what would be taken (section 15.5.16); a read of the application
 * rejects with an `HTTPError`: 400 for broken data, 413 for too much.
 *
 * @throws {TypeError | RangeError} while wrapping, for options that cannot be.
 */
export function inflate(options: InflateOptions = {}): Middleware {
  checkOptionNames("inflate", options, { codings: true, maxBytes: true, maxRatio: true, maxCodings: true, maxReadBytes: true });
  const codings = checkCodings(options.codings ?? allCodings);
  const maxCodings = atLeastOne("maxCodings", options.maxCodings, 2);
  const maxReadBytes = atLeastOne("maxReadBytes", options.maxReadBytes, 16 * mebibyte);
  const limits: DecoderLimits = {
    maxBytes: atLeastOne("maxBytes", options.maxBytes, 16 * mebibyte),
    maxRatio: atLeastOne("maxRatio", options.maxRatio, 200),
    ratioFromBytes: mebibyte,
  };
  const advice = codings.length === 0 ? "identity" : codings.join(", ");

  return layer((app) => (environ, startResponse) => {
    const header = environ.HTTP_CONTENT_ENCODING;
    if (header === undefined) return app(environ, startResponse);
    const applied = contentCodings(header);
    if (applied.length > maxCodings || !applied.every((name) => isOneOf(name, codings))) {
      throw new HTTPError(415, `The request body has a content coding that is not taken here: ${advice} are.`, {
        headers: [["Accept-Encoding", advice]],
      });
    }
    environ.HTTP_CONTENT_ENCODING = undefined;
    if (applied.length === 0) return app(environ, startResponse);
    if (environ.CONTENT_LENGTH !== undefined) environ.CONTENT_LENGTH = undefined;
    environ["wsgi.input"] = decodedInput(environ, applied, limits, maxReadBytes);
    return app(environ, startResponse);
  });
}

/** The codings in the order in which they were applied. Empty members of the list do not count (RFC 9110, section 5.6.1.2). */
export function contentCodings(header: string): string[] {
  return header
    .split(",")
    .map((member) => trimWhitespace(member).toLowerCase())
    .map((name) => (name === "x-gzip" ? "gzip" : name))
    .filter((name) => name !== "" && name !== "identity");
}

/** An input that decodes: the last coding that was applied is the first to go. */
function decodedInput(environ: Environ, applied: readonly Coding[], limits: DecoderLimits, maxReadBytes: number): InputStream {
  const input = environ["wsgi.input"];
  const exchange = environ["gateway.exchange"];
  let wireBytes = 0;
  let chunks: AsyncIterator<Uint8Array> | undefined;
  const received: Pull = async () => {
    chunks ??= input[Symbol.asyncIterator]();
    const step = await chunks.next();
    if (step.done === true) return undefined;
    wireBytes += step.value.byteLength;
    return step.value;
  };
  const decoders: Decoder[] = [];
  const pull = applied.reduceRight<Pull>((source, coding) => {
    const decoder = new Decoder(coding, source, limits, () => wireBytes);
    decoders.push(decoder);
    return () => decoder.pull();
  }, received);
  let isBegun = false;
  return inputStream(
    {
      pull: () => {
        if (!isBegun) {
          isBegun = true;
          exchange.onEnd(() => {
            for (const decoder of decoders) decoder.destroy();
          });
        }
        return pull();
      },
    },
    { maxReadBytes },
  );
}

function isOneOf(name: string, codings: readonly Coding[]): name is Coding {
  return (codings as readonly string[]).includes(name);
}

function checkCodings(codings: readonly Coding[]): readonly Coding[] {
  if (!Array.isArray(codings) || codings.length === 0) throw new TypeError("inflate: codings is a list of one or more codings");
  for (const coding of codings as readonly string[]) {
    if (!isOneOf(coding, allCodings)) {
      throw new TypeError(`inflate: codings knows ${allCodings.join(", ")}, not ${JSON.stringify(coding)}`);
    }
  }
  return (codings as readonly Coding[]).filter((coding) => availableCodings.includes(coding));
}

function atLeastOne(option: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === "number" && value >= 1 && (Number.isSafeInteger(value) || value === Infinity)) return value;
  throw new RangeError(`inflate: ${option} is a whole number from 1, not ${String(value)}`);
}
