import { describe, expect, it } from "vitest";
import { isCompressible } from "./compressible.ts";

describe("isCompressible", () => {
  it.each([
    "text/html; charset=utf-8",
    "TEXT/HTML",
    "application/json",
    "application/javascript",
    "image/svg+xml",
    "application/wasm",
    "text/event-stream",
    "text/x-never-heard-of",
    "application/vnd.never-heard-of+json",
    "application/x-ndjson",
    "font/ttf",
  ])("says yes to %s", (type) => {
    expect(isCompressible(type)).toBe(true);
  });

  it.each(["image/png", "video/mp4", "application/zip", "font/woff2", "application/gzip", "application/never-heard-of", "", ";"])(
    "says no to %s",
    (type) => {
      expect(isCompressible(type)).toBe(false);
    },
  );
});
