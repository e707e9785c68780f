import { describe, expect, it } from "vitest";
import { parseTarget } from "./target.ts";

describe("parseTarget", () => {
  it.each([
    ["app.js", { module: "app.js" }],
    ["./app.js:admin", { module: "./app.js", exportName: "admin" }],
    ["@scope/site:$app_1", { module: "@scope/site", exportName: "$app_1" }],
    ["file:///srv/app.js", { module: "file:///srv/app.js" }],
    ["file:///srv/app.js:app", { module: "file:///srv/app.js", exportName: "app" }],
    ["a:b:c", { module: "a:b", exportName: "c" }],
    ["at-12:30/app.js", { module: "at-12:30/app.js" }],
  ])("reads %s", (text, expected) => {
    expect(parseTarget(text)).toEqual(expected);
  });

  it("refuses an empty half", () => {
    expect(() => parseTarget("app.js:")).toThrow('no export is named after the colon of "app.js:"');
    expect(() => parseTarget(":app")).toThrow('no module is named before the colon of ":app"');
  });
});
