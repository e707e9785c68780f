import { describe, expect, it } from "vitest";
import { mountedPath } from "./mounted-path.ts";

describe("mountedPath", () => {
  it.each([
    // Not mounted.
    ["/", "/", undefined, "", "/"],
    ["/", "/", "", "", "/"],
    ["/a", "/a", "", "", "/a"],
    // Express.
    ["/b", "/a/b", "/a", "/a", "/b"],
    ["/", "/a/", "/a", "/a", "/"],
    ["/", "/a", "/a", "/a", ""],
    // Connect: no baseUrl.
    ["/b", "/a/b", undefined, "/a", "/b"],
    ["/", "/a/", undefined, "/a", "/"],
    ["/", "/a", undefined, "/a", ""],
    ["/", "//", undefined, "", "/"],
    // Rewritten.
    ["/c", "/a/b", "/a", "/a", "/c"],
    ["/c", "/b", "", "", "/c"],
    ["/c", "/b", undefined, "", "/c"],
  ])("splits %s of %s with %s", (path, original, base, prefix, rest) => {
    expect(mountedPath(path, original, base)).toEqual({ prefix, rest });
  });
});
