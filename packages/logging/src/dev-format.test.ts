import type { Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { wantsColour } from "./dev-format.ts";
import { lineOf } from "./test-log.ts";

const escape = "\u{1B}";

function answering(status: string): Application {
  return (_, startResponse) => {
    startResponse(status, []);
    return [];
  };
}

describe("the dev format", () => {
  it("is short, and plain where it does not go to a terminal", async () => {
    expect(await lineOf({ format: "dev" }, { target: "/a?b=c" })).toMatch(/^GET \/a\?b=c 200 [\d.]+ ms 5 B$/);
  });

  it.each([
    ["204 No Content", 32],
    ["304 Not Modified", 36],
    ["404 Not Found", 33],
    ["500 Internal Server Error", 31],
  ])("shows %s in its colour", async (status, colour) => {
    const line = await lineOf({ format: "dev", colour: "always" }, { app: answering(status) });
    expect(line).toContain(`GET / ${escape}[${colour}m${status.slice(0, 3)}${escape}[0m ${escape}[2m`);
  });

  it("says how it ended where that was not well", async () => {
    const app: Application = () => {
      throw new Error("no");
    };
    expect(await lineOf({ format: "dev" }, { app })).toMatch(/^GET \/ 500 [\d.]+ ms \d+ B failed$/);
    expect(await lineOf({ format: "dev", colour: "always" }, { app })).toContain(`${escape}[31mfailed${escape}[0m`);
  });

  it("takes no colour and no space from the client", async () => {
    const request = { method: "GE`T|", target: `/${escape}[31m%1B[31m\u{9B}31m?a b&token=hunter2` };
    const plain = await lineOf(
      { format: "dev" },
      { isHostile: true, environ: { REQUEST_URI: request.target, REQUEST_METHOD: request.method } },
    );
    expect(plain).toMatch(/^[ -~]*$/);
    expect(plain).toContain(String.raw`/\x1b[31m%1B[31m\x9b31m?a\x20b&token=REDACTED 200 `);
  });
});

describe("wantsColour", () => {
  it("wants it on a terminal that was not told otherwise", () => {
    expect(wantsColour({ isTTY: true }, {})).toBe(true);
    expect(wantsColour({ isTTY: true }, { NO_COLOR: "" })).toBe(true);
    expect(wantsColour({ isTTY: true }, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColour({ isTTY: true }, { NO_COLOR: "0" })).toBe(false);
    expect(wantsColour({ isTTY: true }, { TERM: "dumb" })).toBe(false);
    expect(wantsColour({}, {})).toBe(false);
    expect(wantsColour(undefined, {})).toBe(false);
  });
});
