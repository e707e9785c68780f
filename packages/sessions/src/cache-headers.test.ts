import type { Header } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { isSharable, keepFromSharedCaches, varyByCookie } from "./cache-headers.ts";

describe("varyByCookie", () => {
  it.each([
    [[], [["Vary", "Cookie"]]],
    [[["vary", "Accept"]], [["vary", "Accept, Cookie"]]],
    [[["Vary", ""]], [["Vary", "Cookie"]]],
    [[["Vary", "Accept, COOKIE"]], [["Vary", "Accept, COOKIE"]]],
    [[["Vary", "Accept,cookie ,Origin"]], [["Vary", "Accept,cookie ,Origin"]]],
    [[["Vary", "X-Cookie"]], [["Vary", "X-Cookie, Cookie"]]],
    [[["Vary", "*"]], [["Vary", "*"]]],
    [
      [
        ["Vary", "Cookie"],
        ["A", "b"],
        ["Vary", "Origin"],
      ],
      [
        ["Vary", "Cookie"],
        ["A", "b"],
        ["Vary", "Origin"],
      ],
    ],
    [
      [
        ["Vary", "Accept"],
        ["VARY", "Origin"],
      ],
      [
        ["Vary", "Accept"],
        ["VARY", "Origin, Cookie"],
      ],
    ],
  ] as [Header[], Header[]][])("makes %j into %j", (headers, expected) => {
    // A pair may be a constant of the application.
    for (const pair of headers) Object.freeze(pair);
    varyByCookie(headers);
    expect(headers).toEqual(expected);
  });
});

describe("keepFromSharedCaches", () => {
  it.each([
    [[], [["Cache-Control", "private"]]],
    [[["cache-control", "public, max-age=60"]], [["cache-control", "public, max-age=60, private"]]],
    [[["Cache-Control", "no-cache"]], [["Cache-Control", "no-cache, private"]]],
    [[["Cache-Control", "max-age=60, Private"]], [["Cache-Control", "max-age=60, Private"]]],
    [[["Cache-Control", "no-store"]], [["Cache-Control", "no-store"]]],
    [[["Cache-Control", 'private="Set-Cookie"']], [["Cache-Control", 'private="Set-Cookie", private']]],
  ] as [Header[], Header[]][])("makes %j into %j", (headers, expected) => {
    keepFromSharedCaches(headers);
    expect(headers).toEqual(expected);
  });
});

describe("isSharable", () => {
  it.each([
    [[], true],
    [[["Cache-Control", "public"]], true],
    [[["Vary", "Accept"]], true],
    [[["Vary", "Accept, Cookie"]], false],
    [[["Vary", "*"]], false],
    [[["Cache-Control", "private, max-age=1"]], false],
    [[["Cache-Control", "no-store"]], false],
  ] as [Header[], boolean][])("says of %j: %j", (headers, expected) => {
    expect(isSharable(headers)).toBe(expected);
  });
});
