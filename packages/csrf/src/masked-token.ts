import { randomFillSync, timingSafeEqual } from "node:crypto";

const secretBytes = 32;

/** A new secret: 256 random bits in base64url. */
export function makeSecret(): string {
  return randomFillSync(Buffer.alloc(secretBytes)).toString("base64url");
}

/**
 * The secret as a page may show it: XORed with random bytes that go before it, so that no two pages hold the same, and the length of a
 * compressed page tells nothing about it (BREACH).
 */
export function maskSecret(secret: string): string {
  const key = decode(secret, secretBytes);
  if (key === undefined) throw new TypeError("csrf: the secret in the session is not one that csrf has made");
  const token = randomFillSync(Buffer.alloc(2 * secretBytes), 0, secretBytes);
  for (let i = 0; i < secretBytes; i++) token[secretBytes + i] = (token[i] ?? 0) ^ (key[i] ?? 0);
  return token.toString("base64url");
}

/** Is it a token that was made of this secret? Takes the same time wherever they differ. */
export function isTokenOf(secret: string, token: string): boolean {
  const key = decode(secret, secretBytes);
  const masked = decode(token, 2 * secretBytes);
  if (key === undefined || masked === undefined) return false;
  const unmasked = Buffer.alloc(secretBytes);
  for (let i = 0; i < secretBytes; i++) unmasked[i] = (masked[i] ?? 0) ^ (masked[secretBytes + i] ?? 0);
  return timingSafeEqual(unmasked, key);
}

/** Reads base64url of so many bytes, in its one spelling. */
function decode(text: string, bytes: number): Buffer | undefined {
  if (text.length !== Math.ceil((bytes * 4) / 3)) return undefined;
  const buffer = Buffer.from(text, "base64url");
  return buffer.toString("base64url") === text ? buffer : undefined;
}
