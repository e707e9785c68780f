import type { HeaderList } from "@gateway/core";

/** What the head of a response says about coding its body. Places are indices into the list, -1 for what is not there. */
export interface HeadFacts {
  readonly code: number;
  readonly contentType: string | undefined;
  /** It has a coding already. */
  readonly isCoded: boolean;
  /** `Cache-Control: no-transform`. */
  readonly isFixed: boolean;
  readonly hasRange: boolean;
  /** What Content-Length says, -1 when there is none or when it is no number. */
  readonly length: number;
  readonly etagAt: number;
  readonly varyAt: number;
  /** `Vary` names Accept-Encoding, or everything. */
  readonly varies: boolean;
}

/** Reads the list once. */
export function headFacts(status: string, headers: HeaderList): HeadFacts {
  let contentType: string | undefined;
  let isCoded = false;
  let isFixed = false;
  let hasRange = false;
  let length = -1;
  let etagAt = -1;
  let varyAt = -1;
  let varies = false;
  for (let i = 0; i < headers.length; i++) {
    const header = headers[i];
    if (header === undefined) continue;
    const value = header[1];
    switch (header[0].toLowerCase()) {
      case "content-type":
        contentType ??= value;
        break;
      case "content-encoding":
        isCoded ||= members(value).some((coding) => coding !== "identity" && coding !== "");
        break;
      case "cache-control":
        isFixed ||= hasMember(value, "no-transform");
        break;
      case "content-range":
        hasRange = true;
        break;
      case "content-length":
        length = /^[0-9]+$/.test(value) ? Number(value) : -1;
        break;
      case "etag":
        etagAt = i;
        break;
      case "vary":
        varyAt = i;
        varies ||= hasMember(value, "accept-encoding") || hasMember(value, "*");
        break;
      default:
    }
  }
  return { code: Number(status.slice(0, 3)), contentType, isCoded, isFixed, hasRange, length, etagAt, varyAt, varies };
}

/** `no`: the coding of this answer is not ours to choose. `vary`: its sort is negotiated, this very answer goes as it is. `code`: it may be coded. */
export type Verdict = "no" | "vary" | "code";

/** May an answer be coded, or could another of the same resource be? */
export function verdict(facts: HeadFacts, isCompressible: (contentType: string) => boolean): Verdict {
  const { code, contentType } = facts;
  // 205 has no content either (RFC 9110, section 15.3.6).
  if (facts.isCoded || facts.isFixed || code === 204 || code === 205) return "no";
  // Neither a 304 nor a 206 of several parts says of which type the whole is.
  if (code === 304) return "vary";
  const isPart = code === 206 || facts.hasRange;
  if (isPart && (contentType === undefined || contentType.toLowerCase().startsWith("multipart/"))) return "vary";
  if (contentType === undefined || !isCompressible(contentType)) return "no";
  return isPart ? "vary" : "code";
}

function hasMember(list: string, name: string): boolean {
  if (list.length < name.length) return false;
  const lower = list.toLowerCase();
  return lower === name || (lower.includes(name) && members(lower).includes(name));
}

/** The members of a list header, in lower case. Quoted strings with a comma in them are cut: none that we look for is quoted. */
function members(list: string): string[] {
  return list.split(",").map((member) => member.trim().toLowerCase());
}
