import * as crypto from "node:crypto";
import { createHash, createHmac, timingSafeEqual, type KeyObject } from "node:crypto";
import { deriveKey } from "./secrets.ts";

const idLength = 22;
const signatureLength = 43;

/** The length of every token, in characters. */
export const signedLength: number = idLength + 1 + signatureLength;

/**
 * Signs session ids for cookies of one name: `ID.SIGNATURE`, with HMAC-SHA-256 over name and id. A cookie that somebody made up costs no look
 * into the store.
 */
export class IdSigner {
  readonly #keys: readonly KeyObject[];
  readonly #prefix: string;

  /** @param secrets the first signs, all verify. */
  constructor(secrets: readonly Uint8Array[], cookieName: string) {
    this.#keys = secrets.map((secret) => deriveKey(secret, "sign"));
    // A name is a token (RFC 6265, section 4.1.1): it has no "=".
    this.#prefix = `${cookieName}=`;
  }

  sign(id: string): string {
    const [first] = this.#keys;
    if (first === undefined) throw new TypeError("an IdSigner without a secret signs nothing");
    return `${id}.${this.#signature(first, id)}`;
  }

  /**
   * `undefined` for whatever {@link IdSigner.sign} did not make with this name and one of these secrets. Never throws.
   *
   * @returns the id, and whether signing it now would give the same token.
   */
  open(token: string): { readonly id: string; readonly isCurrent: boolean } | undefined {
    if (token.length !== signedLength || token.charCodeAt(idLength) !== 0x2e) return undefined;
    const id = token.slice(0, idLength);
    // Compared as it is spelled, so that a token has one spelling.
    const given = Buffer.from(token.slice(idLength + 1));
    if (given.length !== signatureLength) return undefined;
    for (const key of this.#keys) {
      if (timingSafeEqual(given, Buffer.from(this.#signature(key, id)))) return { id, isCurrent: key === this.#keys[0] };
    }
    return undefined;
  }

  #signature(key: KeyObject, id: string): string {
    return createHmac("sha256", key)
      .update(this.#prefix + id)
      .digest("base64url");
  }
}

/** What a store sees of an id: its SHA-256, 43 characters of base64url. Who reads the store cannot make a cookie of it. */
export const hashId: (id: string) => string =
  // In one call where the runtime has it (Node.js has from 20.12 on): half the time, and nothing for the garbage collector.
  "hash" in crypto ? (id) => crypto.hash("sha256", id, "base64url") : (id) => createHash("sha256").update(id).digest("base64url");
