import { describe, expect, it } from "vitest";
import { formatHttpDate, parseHttpDate } from "./http-date.ts";

const now = Date.UTC(2026, 0, 1);
const example = Date.UTC(1994, 10, 6, 8, 49, 37);

describe("parseHttpDate", () => {
  it.each(["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"])("reads %s", (text) => {
    expect(parseHttpDate(text, now)).toBe(example);
  });

  it.each([
    "",
    "0",
    "1994-11-06T08:49:37Z",
    "sun, 06 nov 1994 08:49:37 gmt",
    "Mon, 06 Nov 1994 08:49:37 GMT",
    "Sun, 6 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 94 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nox 1994 08:49:37 GMT",
    "Thu, 31 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    " Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT\n",
    "Sun, 06-Nov-94 08:49:37 GMT",
    "Sunday, 06 Nov 1994 08:49:37 GMT",
    "Sun Nov 6 08:49:37 1994",
    "Sun Nov 06 08:49:37 94",
  ])("takes %j for no date", (text) => {
    expect(parseHttpDate(text, now)).toBeUndefined();
  });

  it("takes a leap second for the first of the next minute", () => {
    expect(parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT", now)).toBe(Date.UTC(2017, 0, 1));
  });

  it("knows years before 100 as such, in four digits", () => {
    expect(new Date(parseHttpDate("Mon, 01 Jan 0001 00:00:00 GMT", now) ?? 0).getUTCFullYear()).toBe(1);
  });

  it("takes two digits that would be more than 50 years ahead for a year of the past", () => {
    // 2076 is 50 years ahead of 2026; 2077 would be more.
    expect(parseHttpDate("Wednesday, 01-Jan-76 00:00:00 GMT", now)).toBe(Date.UTC(2076, 0, 1));
    expect(parseHttpDate("Saturday, 01-Jan-77 00:00:00 GMT", now)).toBe(Date.UTC(1977, 0, 1));
    expect(parseHttpDate("Saturday, 01-Jan-00 00:00:00 GMT", now)).toBe(Date.UTC(2000, 0, 1));
  });

  it("reads what formatHttpDate writes", () => {
    for (let time = 0; time < 5e12; time += 86_399_000_123) {
      expect(parseHttpDate(formatHttpDate(time), now)).toBe(Math.floor(time / 1000) * 1000);
    }
  });
});
