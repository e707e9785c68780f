import { describe, expect, it } from "vitest";
import { checkName, checkPassword, checkText } from "./validation.ts";

describe("checkName", () => {
  it.each([
    ["  Ada   Lovelace ", "Ada Lovelace"],
    ["Zoe\u0308", "Zoë"],
    ["نورا", "نورا"],
    ["🎹", "🎹"],
    ["x".repeat(40), "x".repeat(40)],
    ["😀".repeat(40), "😀".repeat(40)],
  ])("takes %j", (given, value) => {
    expect(checkName(given)).toEqual({ ok: true, value });
  });

  it.each([
    undefined,
    7,
    "",
    " \n ",
    "---",
    "\u200b",
    "\u3164",
    "\u115f",
    "\uffa0",
    "a\u0000b",
    "a\u202eb",
    "\ud800",
    "x".repeat(41),
    "😀".repeat(41),
  ])("refuses %j", (given) => {
    expect(checkName(given)).toMatchObject({ ok: false });
  });
});

describe("checkText", () => {
  it("puts lines in order", () => {
    expect(checkText(" a\r\nb\rc\n\n\n\nd\te ")).toEqual({ ok: true, value: "a\nb\nc\n\nd e" });
  });

  it.each([
    undefined,
    null,
    7,
    "",
    "\n\n",
    "\u200b",
    "\u3164",
    "\u2800\u2800",
    "a\u0007b",
    "a\u2066b",
    "\udc00",
    "x".repeat(1001),
    "a\n".repeat(31),
  ])("refuses %j", (given) => {
    expect(checkText(given)).toMatchObject({ ok: false });
  });

  it("counts characters, not what they are made of", () => {
    expect(checkText("😀".repeat(1000))).toMatchObject({ ok: true });
    expect(checkText("😀".repeat(1001))).toMatchObject({ ok: false });
  });
});

describe("checkPassword", () => {
  it("leaves it as it is", () => {
    expect(checkPassword(" 8 chars")).toEqual({ ok: true, value: " 8 chars" });
  });

  it.each([undefined, "", "1234567", "x".repeat(201)])("refuses %j", (given) => {
    expect(checkPassword(given)).toMatchObject({ ok: false });
  });
});
