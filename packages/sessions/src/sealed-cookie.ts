import { createCipheriv, createDecipheriv, timingSafeEqual, type KeyObject } from "node:crypto";
import { fillRandom } from "./random-octets.ts";
import { deriveKey, deriveKeyId } from "./secrets.ts";

/** What is inside a sealed cookie. */
export interface Sealed {
  /** 22 characters of base64url: 128 random bits. */
  readonly id: string;
  /** When the session began, in milliseconds since 1970. */
  readonly createdAt: number;
  /** When this cookie was made, in milliseconds since 1970. */
  readonly issuedAt: number;
  readonly payload: string;
}

// The token, in base64url without padding:   version 1 | key id 4 | IV 12 | ciphertext | tag 16
// What is encrypted:                         id 16 | created at 6 | issued at 6 | payload in UTF-8
// Bound in (additional data):                version | key id | name of the cookie
const version = 1;
const keyAt = 1;
const ivAt = 5;
const ivOctets = 12;
const bodyAt = ivAt + ivOctets;
const tagOctets = 16;
const idOctets = 16;
const createdOffset = idOctets;
const issuedOffset = createdOffset + 6;
const payloadOffset = issuedOffset + 6;
const overhead = bodyAt + payloadOffset + tagOctets;

/** How long the token for a payload of so many octets is, in characters. */
export function sealedLength(payloadOctets: number): number {
  return Math.ceil(((overhead + payloadOctets) * 4) / 3);
}

/** How many tokens a sealer remembers: a browser sends the one it has until it gets another. A power of two. */
const slots = 512;

/** A token that was made or opened here. */
interface Known {
  readonly token: string;
  readonly octets: Buffer;
  readonly sealed: Sealed;
}

interface SealingKey {
  readonly keyId: number;
  readonly key: KeyObject;
  readonly boundIn: Buffer;
}

/**
 * Seals sessions into cookies of one name, and opens them: AES-256-GCM with random IVs (NIST SP 800-38D), so that a token can neither be
 * read nor changed, nor be used under another name or secret. Good for 2^32 cookies with one secret (section 8.3 there): rotate before.
 */
export class Sealer {
  readonly #keys: readonly SealingKey[];
  /** Each token has one place, by its IV, which is random: what was opened a moment ago need not be decrypted again. */
  readonly #known: (Known | undefined)[] = Array.from({ length: slots }, () => undefined);

  /** @param secrets the first seals, all open. */
  constructor(secrets: readonly Uint8Array[], cookieName: string) {
    this.#keys = secrets.map((secret) => {
      const keyId = deriveKeyId(secret, "seal");
      const boundIn = Buffer.alloc(ivAt + Buffer.byteLength(cookieName));
      boundIn[0] = version;
      boundIn.writeUInt32BE(keyId, keyAt);
      boundIn.write(cookieName, ivAt);
      return { keyId, key: deriveKey(secret, "seal"), boundIn };
    });
  }

  seal(sealed: Sealed): string {
    const [first] = this.#keys;
    if (first === undefined) throw new TypeError("a Sealer without a secret seals nothing");
    const payloadOctets = Buffer.byteLength(sealed.payload);
    const plain = Buffer.allocUnsafe(payloadOffset + payloadOctets);
    plain.write(sealed.id, 0, idOctets, "base64url");
    plain.writeUIntBE(sealed.createdAt, createdOffset, 6);
    plain.writeUIntBE(sealed.issuedAt, issuedOffset, 6);
    plain.write(sealed.payload, payloadOffset);
    const token = Buffer.allocUnsafe(overhead + payloadOctets);
    token[0] = version;
    token.writeUInt32BE(first.keyId, keyAt);
    fillRandom(token, ivAt, ivOctets);
    const cipher = createCipheriv("aes-256-gcm", first.key, token.subarray(ivAt, bodyAt), { authTagLength: tagOctets });
    cipher.setAAD(first.boundIn);
    token.set(cipher.update(plain), bodyAt);
    cipher.final();
    token.set(cipher.getAuthTag(), token.length - tagOctets);
    const text = token.toString("base64url");
    this.#remember(text, token, sealed);
    return text;
  }

  /** `undefined` for whatever {@link Sealer.seal} did not make with this name and one of these secrets. Never throws. */
  open(token: string): Sealed | undefined {
    const octets = Buffer.from(token, "base64url");
    if (octets.length < overhead || octets[0] !== version) return undefined;
    const known = this.#known[slotOf(octets)];
    if (known !== undefined && isSame(known.octets, octets)) return known.token === token ? known.sealed : undefined;
    return this.#decrypt(token, octets);
  }

  #decrypt(token: string, octets: Buffer): Sealed | undefined {
    const keyId = octets.readUInt32BE(keyAt);
    const by = this.#keys.find((one) => one.keyId === keyId);
    if (by === undefined) return undefined;
    // A token has one spelling: Node reads others as the same octets. The text is our own, too: that of the request would keep its whole head in memory.
    const text = octets.toString("base64url");
    if (text !== token) return undefined;
    const decipher = createDecipheriv("aes-256-gcm", by.key, octets.subarray(ivAt, bodyAt), { authTagLength: tagOctets });
    decipher.setAAD(by.boundIn);
    decipher.setAuthTag(octets.subarray(octets.length - tagOctets));
    const plain = decipher.update(octets.subarray(bodyAt, octets.length - tagOctets));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    const sealed = {
      id: plain.toString("base64url", 0, idOctets),
      createdAt: plain.readUIntBE(createdOffset, 6),
      issuedAt: plain.readUIntBE(issuedOffset, 6),
      payload: plain.toString("utf8", payloadOffset),
    };
    this.#remember(text, octets, sealed);
    return sealed;
  }

  #remember(token: string, octets: Buffer, sealed: Sealed): void {
    this.#known[slotOf(octets)] = { token, octets, sealed };
  }
}

function slotOf(octets: Buffer): number {
  return octets.readUInt16BE(ivAt) & (slots - 1);
}

/** Takes as long for a token that is almost right as for any other. */
function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** A fresh id: 22 characters of base64url, 128 random bits. */
export function newId(): string {
  const octets = Buffer.allocUnsafe(idOctets);
  fillRandom(octets, 0, idOctets);
  return octets.toString("base64url");
}
