import { describe, expect, it } from "vitest";
import { negotiate } from "./negotiate.ts";

describe("negotiate", () => {
  it("gives a type, whatever a client sends, however long", () => {
    const known = new Set(["text/plain", "text/html", "application/problem+json", "application/json"]);
    for (const unit of ["text/html,", "*/*;q=0.1,", "a/b;", ";q=", '"', "\\", " ", ",", "/", 'text/html;a="\\"', "\t,", "q=0;"]) {
      for (const prefer of ["text", "html", "json"] as const) {
        // What a server lets through of a header. A reader that goes back and forth would not be done within the time of a test.
        expect(known.has(negotiate(unit.repeat(16_384 / unit.length), prefer))).toBe(true);
      }
    }
  });

  it("knows no special name", () => {
    for (const accept of ["__proto__/constructor", "constructor", "text/__proto__;toString=1"]) {
      expect(negotiate(accept, "text")).toBe("text/plain");
    }
  });
});
