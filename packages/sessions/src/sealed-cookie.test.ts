import { describe, expect, it } from "vitest";
import { newId, sealedLength, Sealer, type Sealed } from "./sealed-cookie.ts";

const one = Buffer.alloc(32, "1");
const two = Buffer.alloc(40, "2");
const sealed: Sealed = { id: newId(), createdAt: 1_700_000_000_000, issuedAt: 1_700_000_001_234, payload: '[{"user":"Ada é 😀"}]' };

describe("Sealer", () => {
  it("opens what it has sealed", () => {
    const sealer = new Sealer([one], "sid");
    const token = sealer.seal(sealed);
    expect(sealer.open(token)).toEqual(sealed);
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(token).toHaveLength(sealedLength(Buffer.byteLength(sealed.payload)));
  });

  it("knows the length of every token before", () => {
    const sealer = new Sealer([one], "sid");
    for (let octets = 0; octets < 70; octets++) {
      expect(sealer.seal({ ...sealed, payload: "x".repeat(octets) })).toHaveLength(sealedLength(octets));
    }
  });

  it("hides what is inside, and never makes the same token twice", () => {
    const sealer = new Sealer([one], "sid");
    const tokens = new Set(Array.from({ length: 1000 }, () => sealer.seal(sealed)));
    expect(tokens.size).toBe(1000);
    const ivs = new Set([...tokens].map((token) => Buffer.from(token, "base64url").toString("hex", 5, 17)));
    expect(ivs.size).toBe(1000);
    for (const token of tokens) expect(Buffer.from(token, "base64url").includes("Ada")).toBe(false);
  });

  it("opens what it knows as it opens what it does not, and nothing that is almost the same", () => {
    const sealer = new Sealer([one], "sid");
    const token = sealer.seal(sealed);
    const stranger = new Sealer([one], "sid");
    const changed = Buffer.from(token, "base64url");
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    for (let time = 0; time < 2; time++) {
      for (const opener of [sealer, stranger]) {
        expect(opener.open(token)).toEqual(sealed);
        expect(opener.open(changed.toString("base64url"))).toBeUndefined();
        expect(opener.open(`${token}=`)).toBeUndefined();
      }
    }
    // More than it can remember.
    const tokens = Array.from({ length: 3000 }, (_, i) => sealer.seal({ ...sealed, payload: `${i}` }));
    for (const opener of [sealer, stranger])
      expect(tokens.map((it) => opener.open(it)?.payload)).toEqual(tokens.map((_, i) => `${i}`));
  });

  it("seals with the first secret and opens with all", () => {
    const old = new Sealer([one], "sid").seal(sealed);
    const rotated = new Sealer([two, one], "sid");
    expect(rotated.open(old)).toEqual(sealed);
    const fresh = rotated.seal(sealed);
    expect(new Sealer([two], "sid").open(fresh)).toEqual(sealed);
    expect(new Sealer([one], "sid").open(fresh)).toBeUndefined();
    expect(new Sealer([two], "sid").open(old)).toBeUndefined();
  });

  it("opens nothing of another name", () => {
    const token = new Sealer([one], "sid").seal(sealed);
    for (const name of ["__Host-sid", "si", "sidx", "SID"]) expect(new Sealer([one], name).open(token)).toBeUndefined();
  });

  it("knows one spelling of a token only", () => {
    const sealer = new Sealer([one], "sid");
    const spare = { 0: 1, 1: 4, 2: 2 };
    for (const payload of ["", "x", "xx"]) {
      const token = sealer.seal({ ...sealed, payload });
      expect(sealer.open(token)).toBeDefined();
      for (const other of [
        `${token}=`,
        `${token}==`,
        ` ${token}`,
        `${token}\n`,
        `${token}A`,
        token.slice(0, -1),
        token.replaceAll("-", "+"),
      ]) {
        if (other !== token) expect(sealer.open(other)).toBeUndefined();
      }
      // The last character has bits that belong to no octet.
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      const last = alphabet.indexOf(token.at(-1) ?? "");
      const free = spare[(Buffer.from(token, "base64url").length % 3) as 0 | 1 | 2];
      for (let bits = 1; bits < 64; bits++) {
        const other = token.slice(0, -1) + (alphabet[last ^ bits] ?? "");
        expect(sealer.open(other), `${bits} of ${free}`).toBeUndefined();
      }
    }
  });

  it("takes nothing that is too short, of another version, or no token at all", () => {
    const sealer = new Sealer([one], "sid");
    const token = sealer.seal(sealed);
    for (let length = 0; length < token.length; length++) expect(sealer.open(token.slice(0, length))).toBeUndefined();
    const octets = Buffer.from(token, "base64url");
    octets[0] = 2;
    expect(sealer.open(octets.toString("base64url"))).toBeUndefined();
    for (const text of ["", "x", "é".repeat(100), "\0".repeat(100), "undefined", "A".repeat(5000)])
      expect(sealer.open(text)).toBeUndefined();
  });
});

describe("newId", () => {
  it("gives 128 bits, each time others", () => {
    const ids = Array.from({ length: 2000 }, newId);
    expect(new Set(ids).size).toBe(2000);
    for (const id of ids) {
      expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(Buffer.from(id, "base64url").toString("base64url")).toBe(id);
    }
    // Over 2000 of them each bit is set about half of the time; one that is stuck is not.
    for (let bit = 0; bit < 128; bit++) {
      const set = ids.filter((id) => ((Buffer.from(id, "base64url")[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
      expect(Math.abs(set - 1000)).toBeLessThan(250);
    }
  });
});
