import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { newId } from "./sealed-cookie.ts";
import { hashId, IdSigner, signedLength } from "./signed-id.ts";

const one = Buffer.alloc(32, "1");
const two = Buffer.alloc(40, "2");

describe("IdSigner", () => {
  it("opens what it has signed", () => {
    const signer = new IdSigner([one], "sid");
    const id = newId();
    const token = signer.sign(id);
    expect(token).toHaveLength(signedLength);
    expect(signer.open(token)).toEqual({ id, isCurrent: true });
  });

  it("signs with the first secret and verifies with all", () => {
    const id = newId();
    const old = new IdSigner([one], "sid").sign(id);
    const rotated = new IdSigner([two, one], "sid");
    expect(rotated.open(old)).toEqual({ id, isCurrent: false });
    expect(rotated.open(rotated.sign(id))).toEqual({ id, isCurrent: true });
    expect(new IdSigner([one], "sid").open(rotated.sign(id))).toBeUndefined();
  });

  it("opens nothing of another name", () => {
    const token = new IdSigner([one], "sid").sign(newId());
    for (const name of ["__Host-sid", "si", "sidx"]) expect(new IdSigner([one], name).open(token)).toBeUndefined();
  });

  it("knows one spelling of a token only", () => {
    const signer = new IdSigner([one], "sid");
    const token = signer.sign(newId());
    for (let at = 0; at < token.length; at++) {
      for (const other of ["A", "B", ".", "=", "-", "_", "é", "\u0141", "\u{1f600}"]) {
        if (token[at] !== other) expect(signer.open(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined();
      }
      expect(signer.open(token.slice(0, at))).toBeUndefined();
    }
    for (const other of ["", `${token}=`, ` ${token}`, `${token}A`]) expect(signer.open(other)).toBeUndefined();
  });
});

describe("hashId", () => {
  it("is the SHA-256 in 43 characters", () => {
    expect(hashId("abc")).toBe(createHash("sha256").update("abc").digest().toString("base64url"));
    expect(hashId(newId())).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});
