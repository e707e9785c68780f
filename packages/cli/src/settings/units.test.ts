import { assert, maxSafeNat, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { durationText, meantDuration, meantSize, parseDuration, parsePercentage, parseSize, sizeText } from "./units.ts";

describe("parseDuration", () => {
  it.each([
    ["10", 10],
    ["10s", 10],
    ["10 s", 10],
    ["500ms", 0.5],
    ["1ms", 0.001],
    ["0.5", 0.5],
    ["1.5m", 90],
    ["2h", 7200],
    ["1d", 86_400],
    ["0", 0],
    ["0s", 0],
  ])("reads %s", (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each([
    "",
    "s",
    "-1s",
    "1,5s",
    "1e3",
    "10 minutes",
    "10S",
    "1.s",
    ".5s",
    "1s2",
    "Infinity",
    "1 0s",
    "9".repeat(400),
    "10constructor",
  ])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});

describe("parseSize", () => {
  it.each([
    ["16", 16],
    ["16B", 16],
    ["16kB", 16_000],
    ["16KB", 16_000],
    ["16KiB", 16_384],
    ["16kib", 16_384],
    ["2MB", 2_000_000],
    ["1.5GiB", 1_610_612_736],
    ["1TiB", 1024 ** 4],
    ["0", 0],
    ["500 B", 500],
  ])("reads %s", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(["", "16K", "1M", "-1", "1e9", "1_000", "16KiBit", "999999999TiB", "1.0.0MB", "MB", "16toString"])(
    "refuses %j",
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );
});

describe("parsePercentage", () => {
  it("reads a part of a hundred", () => {
    expect(parsePercentage("75%")).toBe(0.75);
    expect(parsePercentage("0.5 %")).toBe(0.005);
    expect(parsePercentage("100%")).toBe(1);
  });

  it.each(["0%", "101%", "-1%", "75", "%", "1e1%"])("refuses %j", (text) => {
    expect(parsePercentage(text)).toBeUndefined();
  });
});

describe("durationText", () => {
  it.each([
    [0, "0s"],
    [0.5, "500ms"],
    [0.001, "1ms"],
    [1.5, "1.5s"],
    [60, "60s"],
    [75, "75s"],
    [90, "90s"],
    [120, "2m"],
    [7200, "2h"],
    [172_800, "2d"],
    [Infinity, "unlimited"],
  ])("says %d as %s", (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
  });

  it("is read as what it was", () => {
    assert(property(nat(1e9), (milliseconds) => parseDuration(durationText(milliseconds / 1000)) === milliseconds / 1000));
  });
});

describe("sizeText", () => {
  it("says it with the greatest unit that divides it", () => {
    expect([0, 500, 1024, 65_536, 1_610_612_736, Infinity].map(sizeText)).toEqual([
      "0B",
      "500B",
      "1KiB",
      "64KiB",
      "1536MiB",
      "unlimited",
    ]);
  });

  it("is read as what it was", () => {
    assert(property(maxSafeNat(), (bytes) => parseSize(sizeText(bytes)) === bytes));
  });
});

describe("meantDuration", () => {
  it.each([
    ["30sec", "30s"],
    ["30 seconds", "30s"],
    ["10S", "10s"],
    ["1.5 Minutes", "1.5m"],
    ["5min", "5m"],
    ["2hrs", "2h"],
    ["1 day", "1d"],
    ["250 msec", "250ms"],
  ])("takes %s for %s", (text, meant) => {
    expect(meantDuration(text)).toBe(meant);
    expect(parseDuration(meant)).toBeGreaterThan(0);
  });

  it.each(["", "sec", "30 moons", "3O0s", "-1sec", "1,5 s", "30__proto__", "9".repeat(400) + "sec"])(
    "knows nothing for %j",
    (text) => {
      expect(meantDuration(text)).toBeUndefined();
    },
  );
});

describe("meantSize", () => {
  it.each([
    ["200M", "200MB or 200MiB"],
    ["16k", "16kB or 16KiB"],
    ["1.5G", "1.5GB or 1.5GiB"],
    ["512Mi", "512MiB"],
    ["2 gigabytes", "2GB or 2GiB"],
    ["1Tbyte", "1TB or 1TiB"],
  ])("takes %s for %s", (text, meant) => {
    expect(meantSize(text)).toBe(meant);
    for (const one of meant.split(" or ")) expect(parseSize(one)).toBeGreaterThan(0);
  });

  it.each(["", "M", "200X", "200 mice", "-1M", "9999999999999999T"])("knows nothing for %j", (text) => {
    expect(meantSize(text)).toBeUndefined();
  });
});
