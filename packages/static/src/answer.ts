import { randomBytes } from "node:crypto";
import { FileWrapper, type Environ, type Header, type HeaderList, type ResponseBody, type StartResponse } from "@gateway/core";
import { chooseCoding, parseAcceptEncoding, type AcceptedCodings } from "./accept-encoding.ts";
import { contentRange, multipart, parseRange, type ByteRange } from "./byte-ranges.ts";
import { blockBytes, FileParts } from "./file-parts.ts";
import type { FileStore, Resource } from "./file-store.ts";
import { evaluatePreconditions, mayUseRange } from "./preconditions.ts";
import type { OpenFile } from "./root-folder.ts";
import type { Variant } from "./variant.ts";

const noHeaders: readonly Header[] = [];

/**
 * Answers a GET or HEAD with a file: preconditions, the coding the client takes, ranges, and the content. Synchronous where the
 * content is in memory.
 *
 * @param more headers for a response that has content.
 * @returns `undefined` where the file has gone meanwhile; nothing was sent then.
 */
export function answer(
  store: FileStore,
  found: Resource,
  environ: Environ,
  startResponse: StartResponse,
  now: number,
  more: readonly Header[] = noHeaders,
): ResponseBody | undefined {
  const variant = found.siblings.length === 0 ? found.original : chooseVariant(found, environ.HTTP_ACCEPT_ENCODING);
  // What most requests are: no condition, no range, and the content at hand.
  if (variant.bytes !== undefined && isPlain(environ)) {
    startResponse("200 OK", headersOf(variant, more));
    return environ.REQUEST_METHOD === "HEAD" ? [] : [variant.bytes];
  }
  return store.withFile(found, now, (resource, open) =>
    answerWith(store, chooseVariant(resource, environ.HTTP_ACCEPT_ENCODING), open, environ, startResponse, now, more),
  );
}

/** @returns `undefined` where the file of the variant could not be opened. */
function answerWith(
  store: FileStore,
  variant: Variant,
  open: (variant: Variant) => OpenFile | undefined,
  environ: Environ,
  startResponse: StartResponse,
  now: number,
  more: readonly Header[],
): ResponseBody | undefined {
  const { size } = variant.stamp;
  const verdict = evaluatePreconditions(environ, variant, now);
  if (verdict === 304) {
    startResponse("304 Not Modified", variant.notModified.slice());
    return [];
  }
  if (verdict === 412) {
    startResponse("412 Precondition Failed", refusalHeaders(variant));
    return [];
  }
  const ranges = rangesOf(environ, variant, now);
  if (ranges === "unsatisfiable") {
    startResponse("416 Range Not Satisfiable", [...refusalHeaders(variant), ["Content-Range", `bytes */${size}`]]);
    return [];
  }
  if (environ.REQUEST_METHOD === "HEAD") {
    startResponse("200 OK", headersOf(variant, more));
    return [];
  }
  const { status, headers, parts } = contentOf(variant, ranges, more);
  if (variant.bytes !== undefined) {
    const { bytes } = variant;
    startResponse(status, headers);
    return parts.map((part) => (Buffer.isBuffer(part) ? part : bytes.subarray(part.first, part.last + 1)));
  }
  const file = open(variant);
  if (file === undefined) return undefined;
  const content = new FileParts(file, parts, store.blocks(variant));
  try {
    startResponse(status, headers);
    return environ["wsgi.file_wrapper"]?.(content, blockBytes) ?? new FileWrapper(content, blockBytes);
  } catch (error) {
    void content.close();
    throw error;
  }
}

function isPlain(environ: Environ): boolean {
  return (
    environ.HTTP_IF_NONE_MATCH === undefined &&
    environ.HTTP_IF_MODIFIED_SINCE === undefined &&
    environ.HTTP_RANGE === undefined &&
    environ.HTTP_IF_MATCH === undefined &&
    environ.HTTP_IF_UNMODIFIED_SINCE === undefined
  );
}

/** A list of its own, since that of a response belongs to the server. */
function headersOf(variant: Variant, more: readonly Header[]): HeaderList {
  const headers = variant.headers.slice();
  if (more.length > 0) headers.push(...more);
  return headers;
}

/** Those of a 304, but for how long it may be kept: a refusal should not be kept at all. */
function refusalHeaders(variant: Variant): HeaderList {
  return variant.notModified.filter(([name]) => !/^(?:cache-control|expires)$/i.test(name));
}

// What clients send as Accept-Encoding is one of a few values; the cap is for those who make values up.
const accepted = new Map<string, AcceptedCodings>();
const maxAccepted = 256;
const maxAcceptedLength = 128;

function chooseVariant(resource: Resource, acceptEncoding: string | undefined): Variant {
  // A client that says nothing would take anything, and few that say nothing can decode anything.
  if (acceptEncoding === undefined || resource.siblings.length === 0) return resource.original;
  let codings = accepted.get(acceptEncoding);
  if (codings === undefined) {
    codings = parseAcceptEncoding(acceptEncoding);
    if (accepted.size < maxAccepted && acceptEncoding.length <= maxAcceptedLength) accepted.set(acceptEncoding, codings);
  }
  const coding = chooseCoding(codings, resource.codings);
  return coding === "" ? resource.original : (resource.siblings[resource.codings.indexOf(coding)] ?? resource.original);
}

/** Only for GET (RFC 9110, section 14.2), and only where the client's part is of this version. `undefined` is the whole. */
function rangesOf(environ: Environ, variant: Variant, now: number): readonly ByteRange[] | "unsatisfiable" | undefined {
  if (environ.HTTP_RANGE === undefined || environ.REQUEST_METHOD !== "GET") return undefined;
  if (!mayUseRange(environ.HTTP_IF_RANGE, variant, now)) return undefined;
  const ranges = parseRange(environ.HTTP_RANGE, variant.stamp.size);
  if (ranges === "ignore") return undefined;
  // A multipart body says nowhere that its parts are of a coded whole: a client would try to decode the parts, or the body.
  return ranges !== "unsatisfiable" && ranges.length > 1 && variant.coding !== "" ? undefined : ranges;
}

interface Content {
  readonly status: string;
  readonly headers: HeaderList;
  readonly parts: readonly (Buffer | ByteRange)[];
}

function contentOf(variant: Variant, ranges: readonly ByteRange[] | undefined, more: readonly Header[]): Content {
  const { size } = variant.stamp;
  const headers = headersOf(variant, more);
  const [only] = ranges ?? [];
  if (ranges === undefined || only === undefined)
    return { status: "200 OK", headers, parts: size === 0 ? [] : [{ first: 0, last: size - 1 }] };
  const lengthAt = variant.headers.length - 1;
  if (ranges.length === 1) {
    headers[lengthAt] = ["Content-Length", `${only.last - only.first + 1}`];
    headers.push(["Content-Range", contentRange(only, size)]);
    return { status: "206 Partial Content", headers, parts: [only] };
  }
  const { contentType, heads, end, length } = multipart(ranges, size, variant.type, randomBytes(16).toString("hex"));
  headers[0] = ["Content-Type", contentType];
  headers[lengthAt] = ["Content-Length", `${length}`];
  return {
    status: "206 Partial Content",
    headers,
    parts: [...ranges.flatMap((range, i) => [heads[i] ?? Buffer.alloc(0), range]), end],
  };
}
