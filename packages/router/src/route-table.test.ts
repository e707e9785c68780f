import { match } from "path-to-regexp";
import * as fc from "fast-check";
import { scaled } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { parsePattern } from "./pattern.ts";
import { RouteTable, type CompiledRoute } from "./route-table.ts";
import { RouteTree, type Leaf } from "./route-tree.ts";

const route = (label: string, methods?: readonly string[]): CompiledRoute => ({
  app: () => [],
  label,
  methods: methods === undefined ? undefined : new Set(methods),
});

type Listed = readonly (readonly [pattern: string | RegExp, methods?: readonly string[]])[];

function tableOf(routes: Listed, isCaseSensitive = true): RouteTable {
  const table = new RouteTable(isCaseSensitive);
  for (const [pattern, methods] of routes) table.add(pattern, route(String(pattern), methods));
  return table;
}

const found = (table: RouteTable, path: string, method = "GET"): unknown => {
  const match = table.find(path, method);
  return match === undefined ? undefined : [match.route.label, ...match.args];
};

describe("RouteTable", () => {
  it("takes the first route of the list that matches, whatever its kind", () => {
    const table = tableOf([[/^\/a\/(\d+)$/], ["/a/new"], ["/a/:id"], [/^\/a\/(.*)$/], ["/*rest"]]);
    expect(found(table, "/a/12")).toEqual([String.raw`/^\/a\/(\d+)$/`, ["12"], {}]);
    expect(found(table, "/a/new")).toEqual(["/a/new", [], {}]);
    expect(found(table, "/a/x")).toEqual(["/a/:id", [], { id: "x" }]);
    expect(found(table, "/a/x/y")).toEqual([String.raw`/^\/a\/(.*)$/`, ["x/y"], {}]);
    expect(found(table, "/b//c/")).toEqual(["/*rest", [], { rest: ["b", "", "c", ""] }]);
    expect(found(table, "/")).toBeUndefined();
  });

  it("goes on to a later route where the method does not fit", () => {
    const table = tableOf([
      ["/a/new", ["GET"]],
      ["/a/:id", ["POST"]],
      ["/*rest", ["DELETE"]],
    ]);
    expect(found(table, "/a/new", "POST")).toEqual(["/a/:id", [], { id: "new" }]);
    expect(found(table, "/a/new", "DELETE")).toEqual(["/*rest", [], { rest: ["a", "new"] }]);
    expect(found(table, "/a/new", "PUT")).toBeUndefined();
    const methods = (path: string): string[] => {
      const gathered = new Set<string>();
      table.gatherMethods(path, gathered);
      return [...gathered];
    };
    expect(methods("/a/new")).toEqual(["GET", "POST", "DELETE"]);
    expect(methods("/")).toEqual([]);
  });

  it("asks an earlier route with parameters before a path without any", () => {
    const table = tableOf([
      ["/:page", ["GET"]],
      ["/about", ["POST", "GET"]],
    ]);
    expect(found(table, "/about")).toEqual(["/:page", [], { page: "about" }]);
    expect(found(table, "/about", "POST")).toEqual(["/about", [], {}]);
  });

  it("never gives a parameter the empty text", () => {
    const table = tableOf([["/a/:id"], ["/b/*rest"], ["/c/:id/d"], ["/:x.js"]]);
    for (const path of ["/a/", "/b/", "/c//d", "/.js"]) expect(found(table, path)).toBeUndefined();
  });

  it("compares without case where it was told so, and keeps the case of what it found", () => {
    const table = tableOf([["/About/:Name.HTML"], ["/İ/:x"]], false);
    expect(found(table, "/aBOUT/Ada.html")).toEqual(["/About/:Name.HTML", [], { Name: "Ada" }]);
    expect(found(table, "/İ/y")).toEqual(["/İ/:x", [], { x: "y" }]);
    expect(found(tableOf([["/About"]]), "/about")).toBeUndefined();
  });

  it.each<[Listed, string]>([
    [[["/a"], ["/a"]], "never reached: /a before it"],
    [[["/:x"], ["/:y"]], "never reached: /:x"],
    [[["/:x"], ["/a"]], "never reached: /:x"],
    [[["/a/*rest"], ["/a/:b/c"]], "never reached: /a/*rest"],
    [[["/*rest"], ["/a{/:b}"]], "never reached: /*rest"],
    [[["/:a.js"], ["/x.js"]], "never reached: /:a.js"],
    [[["/:a-:b"], ["/:c-:d"]], "never reached"],
    [
      [
        ["/a", ["GET"]],
        ["/a", ["POST"]],
        ["/a", ["POST", "GET"]],
      ],
      "never reached",
    ],
    [[["/a"], ["/a", ["GET"]]], "never reached"],
    [[[/^\/a/], ["/a/b"]], "never reached"],
    [[[/^\/a$/], [/^\/a$/]], "the same"],
  ])("refuses a route that no request can reach: %j", (routes, message) => {
    expect(() => tableOf(routes)).toThrow(message);
  });

  it.each<[Listed]>([
    [
      [
        ["/a", ["GET"]],
        ["/a", ["POST"]],
      ],
    ],
    [[["/a", ["GET"]], ["/a"]]],
    [[["/a"], ["/:x"]]],
    [[["/a"], ["/a{/:b}"]]],
    [[["/a/*rest"], ["/a"], ["/a/"]]],
    [[["/:x"], ["/"]]],
    [[["/:a.js"], ["/:a.css"]]],
    [[["/:a.js"], ["/:a"]]],
    [[[/^\/a$/], [/^\/a$/i]]],
    [[[/^\/a$/], ["/a/b"]]],
  ])("takes routes that share some paths: %j", (routes) => {
    expect(() => tableOf(routes)).not.toThrow();
  });

  it("matches what path-to-regexp matches, one pattern after the other", () => {
    const piece = fc.constantFrom("/a", "/b", "/", "/:x", "/:y", "/a-:z", "{/:o}", "/:v.a", "{/b}", "/:w-b");
    const pattern = fc
      .tuple(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.constantFrom("", "", "/*rest"))
      .map(([pieces, rest]) => pieces.map((text, i) => text.replaceAll(/:(\w)/g, `:$1${i}`)).join("") + rest);
    const path = fc
      .array(fc.constantFrom("", "a", "b", "c", "a-b", "b.a", "-", "ab"), { minLength: 1, maxLength: 5 })
      .map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 6 }), path, (patterns, path) => {
        const table = new RouteTable(true);
        const added: string[] = [];
        for (const pattern of patterns) {
          try {
            table.add(pattern, route(pattern));
            added.push(pattern);
          } catch (error) {
            // Never reached: the oracle would not reach it either.
            expect(String(error)).toMatch(/never reached|begin with a slash/);
          }
        }
        const oracle = added.find((pattern) => {
          const matches = match(pattern, { decode: false, sensitive: true, trailing: false });
          // A pattern that is optional as a whole stands for the root, too.
          return matches(path) !== false || (path === "/" && matches("") !== false);
        });
        expect(table.find(path, "GET")?.route.label).toBe(oracle);
      }),
      { numRuns: scaled(20_000), seed: 1 },
    );
  });

  it("never looks at a character of the path more often than the tree has nodes, whatever patterns and path are", () => {
    // What can be tried again and again in a naive matcher: texts and parameters side by side on every level.
    const segment = fc.constantFrom("a", ":p", "a:p", ":pa", "a:p-:q", ":p-:q-:r");
    const pattern = fc.tuple(fc.array(segment, { minLength: 1, maxLength: 10 }), fc.boolean()).map(([segments, rest]) => {
      const text = segments
        .map((segment, i) => `/${segment.replaceAll(/:(\w)/g, `:$1${i}`).replaceAll(/(:p\d)a$/g, String.raw`$1.a`)}`)
        .join("");
      return rest ? `${text}/*rest` : text;
    });
    const path = fc
      .array(fc.constantFrom("a", "aa-a-a", "a-a", "-".repeat(200), "a".repeat(200)), { minLength: 1, maxLength: 40 })
      .map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 30 }), path, (patterns, path) => {
        let isCounting = false;
        let characters = 0;
        const tree = new RouteTree<Leaf>(
          (text) => {
            if (isCounting) characters += text.length;
            return text;
          },
          () => false,
        );
        let nodes = 1;
        for (const [index, pattern] of patterns.entries()) {
          for (const segments of parsePattern(pattern)) {
            nodes += segments.length;
            tree.add({ segments, index });
          }
        }
        isCounting = true;
        tree.find(path);
        // Each node compares one segment, as a whole and once for each of its texts.
        expect(characters).toBeLessThanOrEqual(nodes * (path.length + 40));
      }),
      { numRuns: scaled(3000), seed: 1 },
    );
  });

  it("finishes with expressions that other engines never finish", () => {
    const path = `/${"a".repeat(50_000)}!`;
    for (const expression of [
      /^\/(a+)+$/,
      /^\/(a|a)*$/,
      /^\/(a|aa)+$/,
      /^\/(.*)*x$/,
      /^\/a*a*a*a*a*b$/,
      /^\/(\w+\s?)*$/,
      /^(\/a*)+b(.*)c(.*)d$/,
    ]) {
      expect(found(tableOf([[expression]]), path)).toBeUndefined();
    }
  });

  it("finishes with patterns of many parameters, and paths of many separators", () => {
    const pattern = `/${Array.from({ length: 100 }, (_, i) => `:p${i}`).join("-")}-x`;
    expect(found(tableOf([[pattern]]), `/${"-".repeat(50_000)}`)).toBeUndefined();
    expect(found(tableOf([[pattern]]), `/${"a-".repeat(50_000)}y`)).toBeUndefined();
  });
});
