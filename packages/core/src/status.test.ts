import { STATUS_CODES } from "node:http";
import { describe, expect, it } from "vitest";
import { statusLine } from "./status.ts";

/** Where Node still has the phrases that RFC 9110 replaced, or one that IANA has withdrawn. */
const renamed: Record<string, string> = {
  "413": "Content Too Large",
  "422": "Unprocessable Content",
  "509": "",
};

describe("statusLine", () => {
  it.each([
    [100, "100 Continue"],
    [200, "200 OK"],
    [204, "204 No Content"],
    [404, "404 Not Found"],
    [413, "413 Content Too Large"],
    [422, "422 Unprocessable Content"],
    [500, "500 Internal Server Error"],
    [511, "511 Network Authentication Required"],
  ])("gives %d its phrase", (code, line) => {
    expect(statusLine(code)).toBe(line);
  });

  it.each([299, 306, 499, 599])("gives %d, which has no phrase, none", (code) => {
    expect(statusLine(code)).toBe(`${code}`);
  });

  it("knows every code that Node knows, by the phrases of RFC 9110", () => {
    for (const [code, phrase] of Object.entries(STATUS_CODES)) {
      const expected = `${code} ${renamed[code] ?? phrase}`.trimEnd();
      expect(statusLine(Number(code)).toLowerCase()).toBe(expected.toLowerCase());
    }
  });

  it.each([0, 99, 600, -200, 200.5, NaN, Infinity])("refuses %d", (code) => {
    expect(() => statusLine(code)).toThrow(RangeError);
  });

  it("refuses what only looks like a number", () => {
    expect(() => statusLine("200" as never)).toThrow(RangeError);
  });
});
