import { describe, expect, it } from "vitest";
import { folderLocation } from "./folder-redirect.ts";

const at = (script: string, path: string, query = ""): string =>
  folderLocation({ SCRIPT_NAME: script, PATH_INFO: path, QUERY_STRING: query });

describe("folderLocation", () => {
  it("adds the slash, encodes the path, and keeps mount point and query", () => {
    expect(at("", "/docs")).toBe("/docs/");
    expect(at("/shop", "/a b/ü%?#")).toBe("/shop/a%20b/%C3%BC%25%3F%23/");
    expect(at("/shop", "", "q=%2F&r?")).toBe("/shop/?q=%2F&r?");
    expect(at("", "/a", 'q=\u00fc"')).toBe('/a/?q=%FC"');
  });

  it("never leads to another host, whatever stands in environ", () => {
    for (const [script, path] of [
      ["", "//evil.example"],
      ["", "///evil.example/.."],
      ["/", "/evil.example"],
      ["//evil.example", "/evil.example"],
      ["/\\evil.example", "/x"],
      ["", "/\\evil.example"],
      ["", "\\\\evil.example"],
      ["/\t", "/evil.example"],
      ["", "/\n/evil.example"],
      ["", "https://evil.example"],
      ["", "javascript:alert(1)"],
    ] as const) {
      const location = at(script, path, "x=//evil.example");
      expect(location).toMatch(/^\/(?!\/)[!-~]*$/);
      expect(new URL(location, "http://here.example").host).toBe("here.example");
    }
  });
});
