import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";

/** At least 32 octets that nobody can guess: text, of which the UTF-8 counts, or octets. */
export type Secret = string | Uint8Array;

/** The octets of the secrets: the first one makes cookies, all open them. */
export function checkSecrets(secret: Secret | readonly Secret[] | undefined): readonly Uint8Array[] {
  const given: readonly unknown[] = Array.isArray(secret) ? secret : [secret];
  const advice = "at least 32 octets that nobody can guess, such as `openssl rand -base64 32` gives";
  if (given.length === 0) throw new TypeError(`sessions: the list of secrets is empty: give ${advice}`);
  const secrets = given.map((one) => {
    if (typeof one !== "string" && !(one instanceof Uint8Array))
      throw new TypeError(`sessions: secret is ${advice}, or a list of those`);
    // A copy: whose octets change later changes no key.
    const octets = Buffer.from(one);
    if (octets.length < 32) throw new RangeError(`sessions: a secret of ${octets.length} octets is too short: give ${advice}`);
    return octets;
  });
  if (secrets.some((one, i) => secrets.findIndex((other) => other.equals(one)) !== i)) {
    throw new TypeError("sessions: the same secret stands twice in the list");
  }
  return secrets;
}

/** A key of 256 bits for one purpose (HKDF with SHA-256, RFC 5869). */
export function deriveKey(secret: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", secret, "", `@gateway/sessions ${purpose}`, 32)));
}

/** Tells which secret a cookie was made with, and nothing about the secret. */
export function deriveKeyId(secret: Uint8Array, purpose: string): number {
  return Buffer.from(hkdfSync("sha256", secret, "", `@gateway/sessions ${purpose}, key id`, 4)).readUInt32BE();
}
