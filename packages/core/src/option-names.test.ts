import { describe, expect, it } from "vitest";
import { checkOptionNames } from "./index.ts";

interface Options {
  seconds?: number;
  names?: readonly string[];
}
const known = { seconds: true, names: true } as const;

describe("checkOptionNames", () => {
  it("lets the options pass that there are, and none", () => {
    expect(() => checkOptionNames<Options>("layer", { seconds: 1, names: [] }, known)).not.toThrow();
    expect(() => checkOptionNames<Options>("layer", {}, known)).not.toThrow();
  });

  it.each(["second", "toString", "__proto__"])("refuses %s, and names those there are", (name) => {
    const options: Options = JSON.parse(`{ "${name}": 1 }`) as Options;
    const check = (): void => checkOptionNames("layer", options, known);
    expect(check).toThrow(TypeError);
    expect(check).toThrow(`layer: there is no option ${name}: there are seconds, names`);
  });

  it.each([
    ["null", "its options are an object, not null"],
    ["5", "its options are an object, not a number"],
    ['"seconds"', "its options are an object, not a string"],
  ])("refuses %s", (text, message) => {
    const check = (): void => checkOptionNames("layer", JSON.parse(text) as Options, known);
    expect(check).toThrow(TypeError);
    expect(check).toThrow(`layer: ${message}`);
  });
});
