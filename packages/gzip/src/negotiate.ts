import Negotiator from "negotiator";
import { boundedCache } from "./bounded-cache.ts";
import type { Coding } from "./codings.ts";

/** What a client takes, and what of that the server likes best. */
export interface Choice {
  /** The coding to use; `undefined` for none. */
  readonly coding: Coding | undefined;
  /** May the body go as it is? If not, even a small one is coded. */
  readonly isIdentityAcceptable: boolean;
}

/** A client that says nothing would take any coding (RFC 9110, section 12.5.3); those who can decode do say so. */
const plain: Choice = { coding: undefined, isIdentityAcceptable: true };

const maxRememberedLength = 512;

/** As `negotiator` is since 1.0; its types tell of an older one. */
interface EncodingNegotiator {
  encodings(available: readonly string[], options: { readonly preferred: readonly string[] }): string[];
}

/**
 * Chooses by `Accept-Encoding`, as RFC 9110, section 12.5.3 says: the highest weight wins, and among equals what stands first in
 * `codings`, any of them before identity. Where nothing is acceptable the answer goes as it is (section 12.4.1 leaves that to us).
 *
 * @param codings what the server can do, the best first.
 * @returns a function of the header (`undefined` when there is none); a value that was seen before is not parsed again.
 */
export function negotiation(codings: readonly Coding[]): (header: string | undefined) => Choice {
  const provided = [...codings, "identity"];
  const decide = (header: string): Choice => {
    // x-gzip is another name of gzip (section 8.4.1.3).
    const named = header.replaceAll(/(^|[ \t,])x-gzip(?=[ \t,;]|$)/gi, "$1gzip");
    const negotiator: EncodingNegotiator = new Negotiator({ headers: { "accept-encoding": named } });
    const accepted = negotiator.encodings(provided, { preferred: provided });
    const best = codings.find((coding) => coding === accepted[0]);
    return { coding: best, isIdentityAcceptable: accepted.length === 0 || accepted.includes("identity") };
  };
  const remembered = boundedCache(decide, maxRememberedLength);
  return (header) => (header === undefined ? plain : remembered(header));
}
