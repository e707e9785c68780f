import { trimWhitespace } from "./whitespace.ts";

/** A content coding of a sibling, by its name in HTTP. */
export type Coding = "br" | "zstd" | "gzip";

/** What a client takes: the weight of each coding it named, and of `*`. */
export interface AcceptedCodings {
  readonly named: ReadonlyMap<string, number>;
  /** The weight of what is not named; -1 where the client did not say. */
  readonly others: number;
}

const member = /^([!#$%&'*+.^_`|~\w-]+)[ \t]*(?:;[ \t]*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;
const maxLength = 1024;

/** Reads `Accept-Encoding` (RFC 9110, section 12.5.3). Members that are malformed are skipped; of one that is repeated the first counts. */
export function parseAcceptEncoding(header: string): AcceptedCodings {
  const named = new Map<string, number>();
  let others = -1;
  for (const part of header.slice(0, maxLength).split(",")) {
    const match = member.exec(trimWhitespace(part));
    if (match === null) continue;
    const name = (match[1] ?? "").toLowerCase();
    const weight = match[2] === undefined ? 1 : Number(match[2]);
    if (name === "*") {
      if (others === -1) others = weight;
    } else {
      const coding = name === "x-gzip" ? "gzip" : name;
      if (!named.has(coding)) named.set(coding, weight);
    }
  }
  return { named, others };
}

/**
 * Which of the codings that are there to send: the one of the greatest weight, of several the first. Identity wins only where the
 * client gives it more weight by name or by `*`, or takes nothing else.
 *
 * @returns `""` for identity, also where the client refuses that: a layer further out may still code it.
 */
export function chooseCoding({ named, others }: AcceptedCodings, available: readonly Coding[]): Coding | "" {
  let best: Coding | "" = "";
  let most = 0;
  for (const coding of available) {
    const weight = named.get(coding) ?? Math.max(others, 0);
    if (weight > most) {
      best = coding;
      most = weight;
    }
  }
  return (named.get("identity") ?? others) > most ? "" : best;
}
