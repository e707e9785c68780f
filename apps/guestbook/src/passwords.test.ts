import { describe, expect, it } from "vitest";
import { hashPassword, verifyPassword } from "./passwords.ts";

describe("hashPassword", () => {
  it("has a salt of its own each time, and not the password in it", async () => {
    const [one, other] = await Promise.all([hashPassword("correct horse"), hashPassword("correct horse")]);
    expect(one).not.toBe(other);
    expect(one).not.toContain("correct");
    expect([await verifyPassword("correct horse", one), await verifyPassword("correct horse", other)]).toEqual([true, true]);
  });

  it("knows a password however its accents were typed", async () => {
    expect(await verifyPassword("cafe\u0301 au lait", await hashPassword("café au lait"))).toBe(true);
  });
});

describe("verifyPassword", () => {
  it("refuses another one, none, and a hash that is none", async () => {
    const hash = await hashPassword("correct horse");
    expect(await verifyPassword("Correct horse", hash)).toBe(false);
    expect(await verifyPassword("", hash)).toBe(false);
    expect(await verifyPassword("", undefined)).toBe(false);
    expect(await verifyPassword("", "")).toBe(false);
    expect(await verifyPassword("x", "scrypt$$")).toBe(false);
  });
});
