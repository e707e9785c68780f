import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileOrigins, isOrigin } from "./origins.ts";

describe("compileOrigins", () => {
  it.each<[string, readonly string[], readonly string[]]>([
    [
      "https://app.example",
      ["https://app.example"],
      [
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil",
        "https://evil-app.example",
        "https://APP.example",
        "null",
        "",
      ],
    ],
    ["http://app.example:8080", ["http://app.example:8080"], ["http://app.example", "http://app.example:80800"]],
    ["http://[::1]:3000", ["http://[::1]:3000"], ["http://[::1]"]],
    ["null", ["null"], ["https://app.example", "NULL"]],
    ["capacitor://localhost", ["capacitor://localhost"], ["capacitor://localhost.evil"]],
    [
      "https://*.example.com",
      ["https://a.example.com", "https://a.b-c.example.com", "https://_x.example.com", "https://xn--nxasmq6b.example.com"],
      [
        "https://example.com",
        "https://.example.com",
        "https://a..example.com",
        "http://a.example.com",
        "https://a.example.com:8443",
        "https://a.example.com:",
        "https://evilexample.com",
        "https://a.example.com.evil.org",
        "https://evil.org/.example.com",
        "https://evil.org#.example.com",
        "https://evil.org?.example.com",
        "https://evil.org:80.example.com",
        "https://user@a.example.com",
        "https://evil.org\\.example.com",
        "https://evil.org%2F.example.com",
        "https://evil.org, https://a.example.com",
        "https://evil.org .example.com",
        "https://\u00e4.example.com",
        "https://A.example.com",
      ],
    ],
    ["https://*.example.com:8443", ["https://a.example.com:8443"], ["https://a.example.com", "https://a.example.com:443"]],
    [
      "http://localhost:*",
      ["http://localhost", "http://localhost:1", "http://localhost:65535"],
      [
        "http://localhost:",
        "http://localhost:a",
        "http://localhost:123456",
        "http://localhost:1:2",
        "http://localhost.evil",
        "https://localhost:1",
      ],
    ],
    ["http://*.localhost:*", ["http://a.localhost:3000", "http://a.localhost"], ["http://localhost:3000"]],
  ])("takes %s for what it says", (entry, good, bad) => {
    const test = compileOrigins([entry]);
    for (const origin of good) expect(test(origin), origin).toBe(true);
    for (const origin of bad) expect(test(origin), origin).toBe(false);
  });

  it("takes no origin where the list is empty", () => {
    expect(compileOrigins([])("https://app.example")).toBe(false);
  });

  it("lets nothing through a pattern that a URL parser sees on another host", () => {
    const test = compileOrigins(["https://*.example.com", "https://*.example.org:*"]);
    const part = fc.string({
      unit: fc.constantFrom(
        "a",
        ".",
        "-",
        "/",
        "\\",
        ":",
        "@",
        "#",
        "?",
        "%",
        " ",
        "\t",
        "*",
        "9",
        "[",
        "]",
        "\u00e9",
        ".example.com",
        "example.com",
        ".example.org",
        ":8",
      ),
      maxLength: 12,
    });
    fc.assert(
      fc.property(part, (text) => {
        const origin = `https://${text}`;
        if (!test(origin)) return;
        const { hostname, protocol } = new URL(origin);
        expect(protocol).toBe("https:");
        expect(hostname).toMatch(/\.example\.(?:com|org)$/);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    "https://app.example/",
    "https://App.example",
    "https://app.example:443",
    "http://app.example:80",
    "app.example",
    "//app.example",
    "https://",
    "https://a b",
    "data:,x",
    "file:///a",
    "https://user@app.example",
    "*",
    "https://*",
    "https://*example.com",
    "https://a.*.example.com",
    "https://*.*.example.com",
    "https://*.example.com/*",
    "*://app.example",
    "https://app.example:*1",
    "https://*.EXAMPLE.com",
    "https://*.example.com:443",
    "chrome-extension://*",
    "https://app.*",
    "",
    "NULL",
    "capacitor://local host",
  ])("refuses %j", (entry) => {
    expect(() => compileOrigins([entry])).toThrow(/^cors: /);
  });

  it("says how an origin is written", () => {
    expect(() => compileOrigins(["https://App.example/"])).toThrow('as browsers do: "https://app.example"');
    expect(() => compileOrigins([1])).toThrow(TypeError);
  });
});

describe("isOrigin", () => {
  it.each([
    ["https://a", true],
    ["null", true],
    ["a", false],
    ["https://", false],
    ["https://a b", false],
    ["https://\u00e9", false],
    ["https://a\r\nX: y", false],
    ["", false],
  ])("says %j is one: %s", (text, is) => {
    expect(isOrigin(text)).toBe(is);
  });
});
