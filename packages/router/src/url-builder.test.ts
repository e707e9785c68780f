import { decodePath } from "@gateway/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RouteTable } from "./route-table.ts";
import { urlBuilder } from "./url-builder.ts";

describe("urlBuilder", () => {
  it.each([
    ["/", {}, "/"],
    ["/hello/:name", { name: "Ada Lovelace" }, "/hello/Ada%20Lovelace"],
    ["/hello/:name", { name: "a/b?c#d%2F" }, "/hello/a%2Fb%3Fc%23d%252F"],
    ["/größe/:x", { x: "ß" }, "/gr%C3%B6%C3%9Fe/%C3%9F"],
    ["/files/*path", { path: ["a", "b/c", ""] }, "/files/a/b%2Fc/"],
    ["/a{/:b}", {}, "/a"],
    ["/a{/:b}", { b: "c" }, "/a/c"],
    ["{/:b}", {}, "/"],
    ["/:name.:ext", { name: "a", ext: "js" }, "/a.js"],
  ])("builds %s of %j", (pattern, params, path) => {
    expect(urlBuilder(pattern)(params)).toBe(path);
  });

  it.each([
    ["/:a", {}, "Missing parameters: a"],
    ["/:a", { a: "" }, "non-empty"],
    ["/x/:a/y", { a: ".." }, "segment . or .."],
    ["/:a.:b", { a: ".", b: "." }, undefined],
    ["/.:a", { a: "." }, "segment . or .."],
    ["/*all", { all: ["", "evil.example"] }, "take what follows for a host"],
    ["/*all", { all: [] }, "non-empty"],
  ])("refuses to build %s of %j", (pattern, params, message) => {
    if (message === undefined) expect(urlBuilder(pattern)(params)).toBe("/...");
    else expect(() => urlBuilder(pattern)(params)).toThrow(message);
  });

  it("builds paths that lead back to the parameters", () => {
    const table = new RouteTable(true);
    table.add("/x/:a/*b", { app: () => [], label: "", methods: undefined });
    const build = urlBuilder("/x/:a/*b");
    // No NUL: gateways refuse it.
    const text = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((text) => !text.includes("\0") && text !== "." && text !== "..");
    fc.assert(
      fc.property(text, fc.array(text, { minLength: 1 }), (a, b) => {
        const path = build({ a, b });
        expect(path).toMatch(/^[!-~]+$/);
        const segments = path
          .split("/")
          .slice(2)
          .map((segment) => decodePath(segment));
        expect(segments).toEqual([a, ...b]);
        // As routes see it: a slash inside a segment is apart from those between.
        const seen = path
          .split(/%2F/i)
          .map((piece) => decodePath(piece))
          .join("\0");
        expect(table.find(seen, "GET")?.args[1]).toEqual({ a, b });
      }),
      { seed: 1, numRuns: 1000 },
    );
  });
});
