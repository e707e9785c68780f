import type { HeaderList } from "@gateway/core";
import type { Coding } from "./codings.ts";
import { codedTag } from "./entity-tags.ts";
import type { HeadFacts } from "./head-facts.ts";

/** Says that answers of this sort depend on Accept-Encoding (RFC 9110, section 12.5.5). */
export function addVary(headers: HeaderList, { varies, varyAt }: HeadFacts): void {
  if (varies) return;
  const known = headers[varyAt];
  // One line: more than one reader takes the first for the whole.
  if (known === undefined) headers.push(["Vary", "Accept-Encoding"]);
  else headers[varyAt] = [known[0], known[1] === "" ? "Accept-Encoding" : `${known[1]}, Accept-Encoding`];
}

/**
 * What is not true of the coded bytes. Digests are taken over the content with its coding (RFC 9530, sections 2 and 3; RFC 3230;
 * RFC 2616, section 14.15), and ranges of the coded bytes are not served.
 */
const untrue = new Set([
  "content-length",
  "content-encoding",
  "content-digest",
  "repr-digest",
  "digest",
  "content-md5",
  "accept-ranges",
]);

/** Makes the head that of the coded representation. */
export function codeHead(headers: HeaderList, coding: Coding): void {
  let kept = 0;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (header === undefined) continue;
    const name = header[0].toLowerCase();
    if (untrue.has(name)) continue;
    if (name !== "etag") {
      headers[kept++] = header;
      continue;
    }
    const tag = codedTag(header[1], coding);
    if (tag !== undefined) headers[kept++] = [header[0], tag];
  }
  headers.length = kept;
  headers.push(["Content-Encoding", coding]);
}
