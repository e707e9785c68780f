import { describe, expect, it } from "vitest";
import { chooseCoding, parseAcceptEncoding, type Coding } from "./accept-encoding.ts";

const all: readonly Coding[] = ["br", "zstd", "gzip"];

describe("chooseCoding", () => {
  it.each([
    ["gzip", all, "gzip"],
    ["GZip", all, "gzip"],
    ["x-gzip", all, "gzip"],
    ["gzip, br", all, "br"],
    ["gzip;q=1, br;q=0.9", all, "gzip"],
    ["gzip ; q=0.5 , br;Q=0.500", all, "br"],
    ["*", all, "br"],
    ["*;q=0.5, gzip", all, "gzip"],
    ["br;q=0, *", all, "zstd"],
    ["*;q=0, gzip", all, "gzip"],
    ["*;q=0", all, ""],
    ["", all, ""],
    ["identity", all, ""],
    ["identity, gzip", all, "gzip"],
    ["identity, gzip;q=0.5", all, ""],
    ["identity;q=0.5, gzip;q=0.5", all, "gzip"],
    ["identity;q=0", all, ""],
    ["identity;q=0, gzip;q=0.1", all, "gzip"],
    ["*;q=0.8, gzip;q=0.5", ["gzip"], ""],
    ["deflate", all, ""],
    ["gzip;q=0", all, ""],
    ["gzip;q=0.000", all, ""],
    ["gzip;q=0.001", all, "gzip"],
    ["gzip;q=1.001, br;q=2, zstd;q=x", all, ""],
    ["gzip;level=9", all, ""],
    ["gzip;q=0, gzip", all, ""],
    [",, gzip ,", all, "gzip"],
    ["gzip, deflate, br, zstd", ["gzip", "zstd"], "gzip"],
    ["gzip, deflate, br, zstd", [], ""],
  ] as const)("of %j and %j chooses %j", (header, available, chosen) => {
    expect(chooseCoding(parseAcceptEncoding(header), available)).toBe(chosen);
  });
});
