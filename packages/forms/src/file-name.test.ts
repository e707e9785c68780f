import { describe, expect, it } from "vitest";
import { fileName } from "./file-name.ts";

describe("fileName", () => {
  it.each([
    ["photo.jpg", "photo.jpg"],
    ["/etc/passwd", "passwd"],
    ["..\\..\\windows\\system.ini", "system.ini"],
    ["C:evil.txt", "evil.txt"],
    ["..", ""],
    [".", ""],
    ["a/..", ""],
    ["", ""],
    [".htaccess", ".htaccess"],
    ["name.txt. . ", "name.txt"],
    ["a\u0000b\r\nc\u001b[31m.txt", "abc[31m.txt"],
    ["photo\u202egpj.exe", "photogpj.exe"],
    ["line\u2028end.txt", "lineend.txt"],
    ["half\ud800.txt", "half.txt"],
    ["naïve 👋.txt", "naïve 👋.txt"],
  ])("makes of %j %j", (given, expected) => {
    expect(fileName(given)).toBe(expected);
  });

  it("shortens by whole characters, and keeps the extension", () => {
    const name = fileName(`${"👋".repeat(100)}.jpeg`);
    expect(name).toBe(`${"👋".repeat(62)}.jpeg`);
    expect(Buffer.byteLength(fileName("x".repeat(10_000)))).toBe(255);
    expect(fileName(`a.${"x".repeat(1000)}`)).toHaveLength(255);
  });
});
