import { afterEach, describe, expect, it } from "vitest";
import { commonLogTime, isoTime, timeFormat } from "./time-format.ts";

const zone = process.env["TZ"];
afterEach(() => {
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
});

const moment = Date.UTC(2000, 9, 10, 20, 55, 36, 123) + 0.456;

describe("timeFormat", () => {
  it.each([
    ["%d/%b/%Y:%H:%M:%S %z", "10/Oct/2000:20:55:36 +0000"],
    ["%F %T %R %D", "2000-10-10 20:55:36 20:55 10/10/00"],
    ["%a %A %b %B %e %j %y %u %w %p %I %m %s %%", "Tue Tuesday Oct October 10 284 00 2 2 PM 08 10 971211336 %"],
    ["sec", "971211336"],
    ["msec", "971211336123"],
    ["usec", "971211336123456"],
    ["msec_frac", "123"],
    ["usec_frac", "123456"],
  ])("writes %s as %s", (format, text) => {
    process.env["TZ"] = "UTC";
    expect(timeFormat(format)(moment)).toBe(text);
  });

  it("writes local time, with what is to be added to UTC", () => {
    process.env["TZ"] = "America/St_Johns";
    expect(timeFormat("%T %z")(moment)).toBe("18:25:36 -0230");
    process.env["TZ"] = "Asia/Kolkata";
    expect(timeFormat("%T %z %j")(Date.UTC(2024, 11, 31, 12))).toBe("17:30:00 +0530 366");
    expect(timeFormat("%e %I %p %u")(Date.UTC(2024, 8, 1, 18, 30))).toBe(" 2 12 AM 1");
    expect(timeFormat("%u %w")(Date.UTC(2024, 8, 1, 10))).toBe("7 0");
  });

  it("refuses what it does not know, and says what it knows", () => {
    expect(() => timeFormat("%Q")).toThrow(/"%Q" is not known; known are %a %A .* usec_frac/);
    expect(() => timeFormat("x%")).toThrow('"%" is not known');
  });

  it("makes each second anew, in any order", () => {
    process.env["TZ"] = "UTC";
    const write = timeFormat("%T");
    for (const second of [0, 64, 0, 1, 65, 1, 0])
      expect(write(second * 1000)).toBe(`00:0${Math.floor(second / 60)}:0${second % 60}`);
  });
});

describe("commonLogTime", () => {
  it("is the time of the Common Log Format", () => {
    process.env["TZ"] = "UTC";
    expect(commonLogTime(Date.UTC(2031, 0, 2, 3, 4, 5))).toBe("[02/Jan/2031:03:04:05 +0000]");
  });
});

describe("isoTime", () => {
  it("is RFC 3339 in UTC, with milliseconds", () => {
    for (const time of [0, 1, 999, 1000, 971211336123, 4102444799999]) expect(isoTime(time)).toBe(new Date(time).toISOString());
    expect(isoTime(971211336123.9)).toBe("2000-10-10T20:55:36.123Z");
  });
});
