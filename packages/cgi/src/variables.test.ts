import { describe, expect, it } from "vitest";
import { processVariables, variablesOf, withOctets } from "./variables.ts";

describe("withOctets", () => {
  it("takes octets from the raw environment where the value is still the same", () => {
    const raw = "A=\xff\xfe\0B=\xc3\xa9\0C=old\0D=deleted\0BROKEN\0=x\0A=second\0";
    const variables = withOctets({ A: "\u{FFFD}\u{FFFD}", B: "é", C: "new é", E: undefined }, raw);
    expect(variables).toEqual(["A", "\xff\xfe", "B", "\xc3\xa9", "C", "new \xc3\xa9"]);
  });
});

describe("variablesOf", () => {
  it("gives strings as the octets of UTF-8", () => {
    expect(variablesOf({ A: "é", B: undefined, C: "" })).toEqual(["A", "\xc3\xa9", "C", ""]);
  });
});

describe("processVariables", () => {
  it("has the environment of this process", () => {
    expect(processVariables()).toContain("PATH");
  });
});
