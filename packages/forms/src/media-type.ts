import type { Environ } from "@gateway/core";
import { parse } from "content-type";
import { malformed, unsupported } from "./refusals.ts";

/** The type of a body, or of a part of one. */
export interface MediaType {
  /** In lower case: `"text/plain"`. */
  readonly type: string;
  /** Without a prototype; names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A media type, or the beginning of a value that is none. */
export function parseMediaType(value: string): MediaType {
  const { type, parameters } = parse(value);
  return { type, parameters };
}

/**
 * The media type of a request.
 *
 * @param wanted types as {@link matches} knows them.
 * @throws {HTTPError} 415 when it is none of those, or the body has a content coding: bodies are never inflated here.
 */
export function requestType(environ: Environ, wanted: readonly string[]): MediaType {
  const coding = environ.HTTP_CONTENT_ENCODING;
  if (coding !== undefined && coding !== "" && coding.toLowerCase() !== "identity") {
    throw unsupported("The request body has a content coding that is not supported.", [["Accept-Encoding", "identity"]]);
  }
  const media = environ.CONTENT_TYPE === undefined ? undefined : parseMediaType(environ.CONTENT_TYPE);
  if (media !== undefined && wanted.some((pattern) => matches(media.type, pattern))) return media;
  const accept = wanted.join(", ");
  throw unsupported(`The request body must have a Content-Type of ${wanted.join(" or ")}.`, [["Accept", accept]]);
}

/**
 * Is it of that type? `"text/plain"`, `"text/*"`, `"application/*+json"`; either half of the pattern may be a `*`, the second with a suffix.
 */
function matches(type: string, pattern: string): boolean {
  const [main = "", sub = ""] = halves(type);
  const [wantedMain = "", wantedSub = ""] = halves(pattern);
  if (main === "" || sub === "" || (wantedMain !== "*" && wantedMain !== main)) return false;
  return wantedSub.startsWith("*") ? sub.length >= wantedSub.length && sub.endsWith(wantedSub.slice(1)) : sub === wantedSub;
}

function halves(type: string): readonly string[] {
  const slash = type.indexOf("/");
  return slash === -1 ? [] : [type.slice(0, slash), type.slice(slash + 1)];
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * What turns bytes into text: by the charset of a media type, else as UTF-8. A byte order mark is dropped.
 *
 * @throws {HTTPError} 415 for a charset that is not known.
 */
export function decoderOf({ parameters }: MediaType): (bytes: Uint8Array) => string {
  const charset = parameters["charset"] ?? "utf-8";
  const decoder = charset.toLowerCase() === "utf-8" ? utf8 : makeDecoder(charset);
  return (bytes) => {
    try {
      return decoder.decode(bytes);
    } catch {
      throw malformed(`The request body is not valid ${decoder.encoding}.`);
    }
  };
}

function makeDecoder(charset: string): typeof utf8 {
  try {
    return new TextDecoder(charset, { fatal: true });
  } catch {
    throw unsupported("The charset of the request body is not supported. Send UTF-8.");
  }
}
