import { createHash, hash } from "node:crypto";
import {
  capture,
  checkOptionNames,
  layer,
  send,
  whenReady,
  type CapturedResponse,
  type Environ,
  type Header,
  type HeaderList,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { isEntityTag } from "./entity-tags.ts";
import { evaluatePreconditions, hasConditions } from "./preconditions.ts";

/** Settings of {@link conditional}. */
export interface ConditionalOptions {
  /**
   * The entity tag that a buffered body gets when the application has set none (default `"strong"`): a hash of its bytes. `"weak"` marks it as weak, for
   * applications whose bytes differ in what means nothing; it then matches no `If-Match`. `"none"` makes none, and only looks at what the application set.
   */
  readonly etag?: "strong" | "weak" | "none" | undefined;
  /** The largest body that is hashed, in bytes (default 1 MiB, about half a millisecond); a larger one gets no entity tag. */
  readonly maxBytes?: number | undefined;
}

/** Every option there is. */
const optionNames: Readonly<Record<keyof ConditionalOptions, true>> = { etag: true, maxBytes: true };

/**
 * Answers `GET` and `HEAD` with 304 where the client has the representation already, and with 412 where it asks for another one, by RFC 9110, section 13:
 * by the `ETag` and `Last-Modified` that the application has set, and by an `ETag` made of the bytes of a buffered body (an array) that has none. Only a
 * 200 is looked at. A stream is never buffered: without an `ETag` of the application it has none.
 *
 * @throws {TypeError|RangeError} while wrapping, for a setting that makes no sense.
 */
export function conditional(options: ConditionalOptions = {}): Middleware {
  checkOptionNames("conditional", options, optionNames);
  const { etag = "strong", maxBytes = 1_048_576 } = options;
  if (etag !== "strong" && etag !== "weak" && etag !== "none") {
    throw new TypeError(`conditional: etag is "strong", "weak" or "none", not ${JSON.stringify(etag)}`);
  }
  if (!(Number.isInteger(maxBytes) || maxBytes === Infinity) || maxBytes < 0) {
    throw new RangeError(`conditional: maxBytes is a number of bytes, not ${String(maxBytes)}`);
  }

  const respond = (environ: Environ, response: CapturedResponse, startResponse: StartResponse): ResponseBody => {
    const { headers, body } = response;
    const isAsked = hasConditions(environ);
    if ((!isAsked && !Array.isArray(response.body)) || !isOk(response.status)) return send(response, startResponse);
    const found = validatorsOf(headers);
    if (etag !== "none" && !found.needsNoTag) {
      // The answer to a HEAD may lack the body that GET would have: that it is empty says nothing.
      const tag = hashTag(body, environ.REQUEST_METHOD === "GET" ? 0 : 1, maxBytes);
      if (tag !== undefined) {
        found.etag = etag === "weak" ? `W/${tag}` : tag;
        headers.push(["ETag", found.etag]);
      }
    }
    if (!isAsked) return send(response, startResponse);
    const code = evaluatePreconditions(environ, found);
    if (code === undefined) return send(response, startResponse);
    const isUnchanged = code === 304;
    const instead: readonly Uint8Array[] = isUnchanged
      ? []
      : [Buffer.from("The resource is not in the state that was asked for.\n")];
    return send(
      {
        status: isUnchanged ? "304 Not Modified" : "412 Precondition Failed",
        headers: isUnchanged ? notModified(headers, found.etag !== undefined) : preconditionFailed(headers),
        // What is not sent must be closed, when the response is over.
        body: body.close === undefined ? instead : Object.assign([...instead], { close: () => body.close?.() }),
      },
      startResponse,
    );
  };

  return layer((app) => (environ, startResponse) => {
    if (environ.REQUEST_METHOD !== "GET" && environ.REQUEST_METHOD !== "HEAD") return app(environ, startResponse);
    return whenReady(capture(app, environ), (response) => respond(environ, response, startResponse));
  });
}

function isOk(status: string): boolean {
  return status.startsWith("200") && (status.length === 3 || status[3] === " ");
}

/**
 * 132 bits of SHA-256: for telling versions apart, and nobody can make two bodies alike.
 *
 * @returns `undefined` for a stream, and for an array with too few or too many bytes.
 */
function hashTag(body: ResponseBody, minBytes: number, maxBytes: number): string | undefined {
  if (!Array.isArray(body)) return undefined;
  const chunks: readonly Uint8Array[] = body;
  const [only] = chunks;
  let bytes = 0;
  for (const chunk of chunks) bytes += chunk.byteLength;
  if (bytes < minBytes || bytes > maxBytes) return undefined;
  if (chunks.length === 1 && only !== undefined) return `"${hash("sha256", only, "base64url").slice(0, 22)}"`;
  const sum = createHash("sha256");
  for (const chunk of chunks) sum.update(chunk);
  return `"${sum.digest("base64url").slice(0, 22)}"`;
}

/** What the application has set. */
interface FoundValidators {
  etag: string | undefined;
  lastModified: string | undefined;
  /** There is an `ETag` (one that is malformed matches nothing), or nobody may store the response to ask again. */
  needsNoTag: boolean;
}

function validatorsOf(headers: HeaderList): FoundValidators {
  const found: FoundValidators = { etag: undefined, lastModified: undefined, needsNoTag: false };
  for (const [name, value] of headers) {
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== "etag") break;
        found.needsNoTag = true;
        if (isEntityTag(value)) found.etag = value;
        break;
      case 13:
        if (name.toLowerCase() === "last-modified") found.lastModified = value;
        else if (name.toLowerCase() === "cache-control" && value.toLowerCase().includes("no-store")) found.needsNoTag = true;
        break;
    }
  }
  return found;
}

/** About the bytes that are not sent: a cache has them already (RFC 9110, section 15.4.5). */
const ofContent = new Set(["content-type", "content-length", "content-encoding", "content-language", "content-range"]);

/** About the representation that was not asked for. */
const ofRepresentation = new Set([
  ...ofContent,
  "etag",
  "last-modified",
  "content-location",
  "content-disposition",
  "cache-control",
  "expires",
  "age",
]);

function notModified(headers: HeaderList, hasTag: boolean): HeaderList {
  return headers.filter(([name]) => {
    const key = name.toLowerCase();
    return !ofContent.has(key) && !(hasTag && key === "last-modified");
  });
}

function preconditionFailed(headers: HeaderList): HeaderList {
  const kept: Header[] = headers.filter(([name]) => !ofRepresentation.has(name.toLowerCase()));
  kept.push(["Content-Type", "text/plain; charset=utf-8"], ["Cache-Control", "no-store"]);
  return kept;
}
