import { HTTPError, type HeaderList } from "@gateway/core";
import type { ChunkSource } from "@gateway/core/gateway";
import { encodeMultipart, type MultipartValue } from "./multipart.ts";

type Piece = string | Uint8Array;

/** The body of a request, in one of five forms. */
export interface BodyInit {
  /** Sent as JSON, with `application/json`. */
  json?: unknown;
  /** Sent as `application/x-www-form-urlencoded`; a list repeats its field. */
  form?: Readonly<Record<string, string | readonly string[]>> | URLSearchParams | undefined;
  /** Sent as `multipart/form-data`. */
  multipart?: Readonly<Record<string, MultipartValue>> | undefined;
  /**
   * Sent as it is, text in UTF-8, without a type of its own. The pieces of an iterable arrive as they are given, each a chunk of its
   * own; those of an async iterable when they come, chunked, since nobody knows their length before.
   */
  body?: Piece | Iterable<Piece> | AsyncIterable<Piece> | undefined;
  /** Sends no Content-Length: the body ends where it ends (default `false`). */
  chunked?: boolean | undefined;
  /** Splits the body into chunks of so many bytes at most (default: as it was given). */
  splitEvery?: number | undefined;
  /** The client sends no more than so many bytes of the body: reading further throws an `HTTPError` with 400, as it does with a gateway. */
  bodyCutAfter?: number | undefined;
}

/** A body that is ready to be sent, perhaps more than once. */
export interface PreparedBody {
  /** `Content-Type`, and `Content-Length` or `Transfer-Encoding`. */
  readonly headers: HeaderList;
  /** Whether `open` may be called again, for a redirect. */
  readonly replayable: boolean;
  open(): ChunkSource;
}

const encoder = new TextEncoder();
const forms = ["json", "form", "multipart", "body"] as const;

/**
 * Prepares the body of a request; `undefined` where there is none.
 *
 * @throws {TypeError} for two bodies, or a piece that is neither text nor bytes.
 * @throws {RangeError} for a size that is none.
 */
export function prepareBody(init: BodyInit): PreparedBody | undefined {
  const given = forms.filter((form) => init[form] !== undefined);
  if (given.length > 1) throw new TypeError(`a request has one body, not both ${given.join(" and ")}`);
  const [form] = given;
  const { splitEvery, bodyCutAfter } = init;
  if (splitEvery !== undefined && !(Number.isInteger(splitEvery) && splitEvery > 0)) {
    throw new RangeError(`splitEvery is a number of bytes from 1, not ${splitEvery}`);
  }
  if (bodyCutAfter !== undefined && !(Number.isInteger(bodyCutAfter) && bodyCutAfter >= 0)) {
    throw new RangeError(`bodyCutAfter is a number of bytes from 0, not ${bodyCutAfter}`);
  }
  if (form === undefined) {
    if (init.chunked === true || splitEvery !== undefined || bodyCutAfter !== undefined) {
      throw new TypeError("chunked, splitEvery and bodyCutAfter say how a body is sent, and there is none");
    }
    return undefined;
  }
  const { type, pieces } = encode(form, init);
  const headers: HeaderList = type === undefined ? [] : [["Content-Type", type]];
  const known = Array.isArray(pieces);
  if (known && init.chunked !== true)
    headers.push(["Content-Length", `${pieces.reduce((sum, piece) => sum + piece.byteLength, 0)}`]);
  else headers.push(["Transfer-Encoding", "chunked"]);
  return {
    headers,
    replayable: known,
    open() {
      const source = known ? fromArray(split(pieces, splitEvery)) : fromStream(pieces, splitEvery);
      return bodyCutAfter === undefined ? source : cutAfter(source, bodyCutAfter);
    },
  };
}

interface Encoded {
  readonly type?: string;
  readonly pieces: Uint8Array[] | AsyncIterable<Piece>;
}

function encode(form: (typeof forms)[number], init: BodyInit): Encoded {
  if (form === "json") {
    const text: string | undefined = JSON.stringify(init.json);
    if (text === undefined) throw new TypeError(`json: a ${typeof init.json} has no JSON`);
    return { type: "application/json", pieces: [encoder.encode(text)] };
  }
  if (form === "form") {
    const text = (init.form instanceof URLSearchParams ? init.form : searchParams(init.form ?? {})).toString();
    return { type: "application/x-www-form-urlencoded", pieces: [encoder.encode(text)] };
  }
  if (form === "multipart") {
    const { type, bytes } = encodeMultipart(init.multipart ?? {});
    return { type, pieces: [bytes] };
  }
  return { pieces: piecesOf(init.body) };
}

function piecesOf(body: BodyInit["body"]): Uint8Array[] | AsyncIterable<Piece> {
  if (typeof body === "string" || body instanceof Uint8Array) return [bytesOf(body)];
  if (typeof body === "object" && Symbol.asyncIterator in body) return body;
  if (typeof body === "object" && Symbol.iterator in body) return Array.from(body, bytesOf);
  throw new TypeError(`body is text, bytes, or an iterable or async iterable of them, not a ${typeof body}: json sends any value`);
}

function bytesOf(piece: Piece): Uint8Array {
  if (typeof piece === "string") return encoder.encode(piece);
  if (piece instanceof Uint8Array) return Uint8Array.from(piece);
  throw new TypeError(`a piece of a body is text or bytes, not a ${typeof piece}`);
}

/** Query or form fields; a list repeats its field. */
export function searchParams(fields: Readonly<Record<string, string | readonly string[]>>): URLSearchParams {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of typeof value === "string" ? [value] : value) params.append(name, one);
  }
  return params;
}

function split(pieces: Iterable<Uint8Array>, every: number | undefined): Uint8Array[] {
  if (every === undefined) return [...pieces];
  const parts: Uint8Array[] = [];
  for (const piece of pieces) for (let at = 0; at < piece.length; at += every) parts.push(piece.subarray(at, at + every));
  return parts;
}

function fromArray(pieces: Uint8Array[]): ChunkSource {
  const rest = pieces.values();
  return { pull: () => rest.next().value };
}

function fromStream(pieces: AsyncIterable<Piece>, every: number | undefined): ChunkSource {
  const iterator = pieces[Symbol.asyncIterator]();
  let parts: Uint8Array[] = [];
  return {
    async pull() {
      if (parts.length === 0) {
        const step = await iterator.next();
        if (step.done === true) return undefined;
        parts = split([bytesOf(step.value)], every);
      }
      return parts.shift() ?? new Uint8Array(0);
    },
  };
}

function cutAfter(source: ChunkSource, limit: number): ChunkSource {
  let sent = 0;
  return {
    async pull() {
      const chunk = sent < limit ? await source.pull() : undefined;
      if (chunk === undefined) throw new HTTPError(400, "The request body was cut short.");
      const part = chunk.subarray(0, limit - sent);
      sent += part.length;
      return part;
    },
  };
}
