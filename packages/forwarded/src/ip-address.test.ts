import { describe, expect, it } from "vitest";
import { parseHost } from "./host.ts";
import { isPort, normalizeAddress, parseSender } from "./ip-address.ts";

describe("normalizeAddress", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:DB8:0:0::1", "2001:db8::1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:c000:201", "192.0.2.1"],
    ["0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"],
    ["::1", "::1"],
    ["01.2.3.4", undefined],
    ["1.2.3", undefined],
    ["1.2.3.4.5", undefined],
    ["256.1.1.1", undefined],
    ["fe80::1%eth0", undefined],
    ["[::1]", undefined],
    ["", undefined],
    [" 1.2.3.4", undefined],
    ["a.example", undefined],
  ])("of %j is %j", (text, address) => {
    expect(normalizeAddress(text)).toBe(address);
  });
});

describe("parseSender", () => {
  it.each([
    ["192.0.2.1", "192.0.2.1", undefined],
    ["192.0.2.1:8080", "192.0.2.1", "8080"],
    ["[2001:db8::1]", "2001:db8::1", undefined],
    ["[2001:db8::1]:443", "2001:db8::1", "443"],
    ["[::ffff:192.0.2.1]:1", "192.0.2.1", "1"],
    ["2001:db8::1", "2001:db8::1", undefined],
  ])("reads %s", (text, address, port) => {
    expect(parseSender(text, true)).toEqual({ address, port });
  });

  it.each([
    "",
    "unknown",
    "_hidden",
    "[192.0.2.1]",
    "[::1",
    "::1]",
    "[::1]x",
    "[::1]:",
    "1.2.3.4:",
    "1.2.3.4:0",
    "1.2.3.4:65536",
    "1.2.3.4:+80",
    "1.2.3.4: 80",
    "a:80",
    "[fe80::1%1]:80",
    "1.2.3.4/8",
    "1".repeat(60),
  ])("refuses %j", (text) => {
    expect(parseSender(text, true)).toBeUndefined();
  });

  it("takes IPv6 without brackets only where it is told to", () => {
    expect(parseSender("2001:db8::1", false)).toBeUndefined();
  });
});

describe("isPort", () => {
  it("is true for 1 to 65535 in digits", () => {
    expect(["1", "80", "65535"].map(isPort)).toEqual([true, true, true]);
    expect(["0", "65536", "", "-1", "8e1", "080000", "٣"].map(isPort)).toEqual([false, false, false, false, false, false, false]);
  });
});

describe("parseHost", () => {
  it.each([
    ["a.example", "a.example", undefined],
    ["A.example.:8080", "A.example.", "8080"],
    ["[2001:db8::1]:80", "[2001:db8::1]", "80"],
    ["192.0.2.1", "192.0.2.1", undefined],
    ["x_y-z", "x_y-z", undefined],
  ])("reads %s", (text, name, port) => {
    expect(parseHost(text)).toEqual({ name, port });
  });

  it.each([
    "",
    ":80",
    "a:",
    "a:b",
    "a b",
    "a/b",
    "user@a",
    "a?b",
    "a#b",
    "a\\b",
    "[::1",
    "[a]",
    "::1",
    "-a",
    "a-",
    "a..b",
    ".a",
    "a,b",
    "é",
    "_10.0.0.1",
    "1.2.3",
    "1.2.3.4.",
    "a.0x1",
    "a%2e",
    "a".repeat(300),
  ])("refuses %j", (text) => {
    expect(parseHost(text)).toBeUndefined();
  });
});
