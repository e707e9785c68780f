import { requestUri } from "@gateway/core";
import { campaignTimeout, scaled } from "@gateway/testing/campaign";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ForwardedOptions, ForwardingHeader } from "./index.ts";
import { every, proxies, seen } from "./test-seen.ts";

describe("forwarded, of a hostile client", () => {
  it(
    "never throws, and gives an environ that keeps the rules, whatever the headers are",
    () => {
      const hostile = fc.oneof(
        fc.string({
          unit: fc
            .integer({ min: 0x20, max: 0xff })
            .filter((code) => code !== 0x7f)
            .map((code) => String.fromCharCode(code)),
          maxLength: 60,
        }),
        fc.string({
          unit: fc.constantFrom(
            ",",
            ";",
            '"',
            "\\",
            "=",
            "[",
            "]",
            ":",
            ".",
            "1",
            "f",
            "for",
            "proto=https",
            "host=",
            "/",
            "%",
            "2e",
            " ",
            "\t",
            "_",
            "10.0.0.1",
          ),
          maxLength: 30,
        }),
        fc.constantFrom(
          ",".repeat(5000),
          '"'.repeat(5000),
          "\\".repeat(5000),
          `for="${"\\a".repeat(5000)}`,
          "10.0.0.1,".repeat(1000),
          "/a".repeat(2000),
          "_".repeat(5000),
          "1".repeat(5000),
        ),
      );
      const names = [...every, "Forwarded", "X-Real-IP"] as const;
      const sets: readonly (readonly ForwardingHeader[])[] = [
        every,
        ["Forwarded", "X-Forwarded-Prefix"],
        ["X-Real-IP", "X-Forwarded-Proto"],
        [],
      ];
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.constantFrom(...names), hostile), { maxLength: 5 }),
          fc.constantFrom(...sets),
          fc.constantFrom<ForwardedOptions["trust"]>(proxies, 1, 3, []),
          (headers, reads, trust) => {
            const environ = seen({ headers: reads, ...(trust === undefined ? {} : { trust }) }, Object.fromEntries(headers));
            // What is built of it is a URL.
            expect(() => new URL(requestUri(environ))).not.toThrow();
            expect(environ.SCRIPT_NAME).toMatch(/^$|^\/[^/]/);
          },
        ),
        { seed: 1, numRuns: scaled(50_000) },
      );
    },
    campaignTimeout,
  );
});
