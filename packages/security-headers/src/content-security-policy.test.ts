import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePolicy, defaultPolicy, type ContentSecurityPolicy } from "./content-security-policy.ts";
import { defaultPermissions, formatPermissions } from "./permissions-policy.ts";

describe("compilePolicy", () => {
  it("writes the default policy", () => {
    const start = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; ";
    const { text, withNonce } = compilePolicy(defaultPolicy, false);
    expect(text).toBe(`${start}script-src 'self'; style-src 'self'`);
    expect(withNonce?.("abc")).toBe(`${start}script-src 'self' 'nonce-abc'; style-src 'self' 'nonce-abc'`);
    expect(compilePolicy(defaultPolicy, true).text).toBe(`${text}; upgrade-insecure-requests`);
  });

  it.each<[ContentSecurityPolicy, string, string | undefined]>([
    [{}, "", undefined],
    [{ "default-src": false, sandbox: true }, "sandbox", undefined],
    [{ sandbox: [] }, "sandbox", undefined],
    [{ sandbox: ["allow-scripts", "allow-forms"] }, "sandbox allow-scripts allow-forms", undefined],
    [{ "script-src": ["'nonce'"] }, "script-src 'none'", "script-src 'nonce-abc'"],
    [{ "script-src": ["'nonce'", "'strict-dynamic'"] }, "script-src 'strict-dynamic'", "script-src 'nonce-abc' 'strict-dynamic'"],
    [
      { "img-src": ["'self'", "data:", "*.example.com", "https://a.example:8443/x?y"] },
      "img-src 'self' data: *.example.com https://a.example:8443/x?y",
      undefined,
    ],
    [
      { "style-src": ["'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"] },
      "style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
      undefined,
    ],
    [
      { "report-to": ["csp"], "require-trusted-types-for": ["'script'"], "trusted-types": ["default", "'allow-duplicates'"] },
      "report-to csp; require-trusted-types-for 'script'; trusted-types default 'allow-duplicates'",
      undefined,
    ],
  ])("writes %j", (policy, text, withNonce) => {
    const compiled = compilePolicy(policy, true);
    expect([compiled.text, compiled.withNonce?.("abc")]).toEqual([text, withNonce]);
  });

  it.each<[unknown]>([
    [{ "script-scr": ["'self'"] }],
    [{ scriptSrc: ["'self'"] }],
    [{ "Script-Src": ["'self'"] }],
    [{ __proto__x: ["'self'"] }],
    [{ "script-src": "'self'" }],
    [{ "script-src": true }],
    [{ "script-src": [] }],
    [{ "script-src": ["self"] }],
    [{ "script-src": ["none"] }],
    [{ "script-src": ["unsafe-inline"] }],
    [{ "script-src": ["sha256-abc"] }],
    [{ "script-src": ["nonce"] }],
    [{ "script-src": ["nonce-abc"] }],
    [{ "script-src": ["'nonce-abc'"] }],
    [{ "script-src": ["strict-dynamic"] }],
    [{ "require-trusted-types-for": ["script"] }],
    [{ "script-src": ["'none'", "'self'"] }],
    [{ "script-src": ["'self' https:"] }],
    [{ "script-src": ["https:;"] }],
    [{ "script-src": ["a,b"] }],
    [{ "script-src": ["a\r\nb"] }],
    [{ "script-src": ["\u00e4.example"] }],
    [{ "script-src": [""] }],
    [{ "script-src": [1] }],
    [{ "script-src": null }],
    [{ "upgrade-insecure-requests": "yes" }],
  ])("refuses %j", (policy) => {
    expect(() => compilePolicy(policy as ContentSecurityPolicy, true)).toThrow(/^securityHeaders: /);
  });

  it("writes no source that ends its directive or its header", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 12 }), (source) => {
        let text = "";
        try {
          ({ text } = compilePolicy({ "img-src": [source] }, true));
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        expect(text).toMatch(source === "'nonce'" ? /^img-src 'none'$/ : /^img-src [!-+\-.-:<-~]+$/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("formatPermissions", () => {
  it("writes the default", () => {
    expect(formatPermissions(defaultPermissions)).toMatch(/^accelerometer=\(\), bluetooth=\(\), /);
  });

  it.each([
    [{}, ""],
    [
      { camera: [], geolocation: ["self", "https://maps.example"], fullscreen: ["*"], usb: false as const },
      'camera=(), geolocation=(self "https://maps.example"), fullscreen=*',
    ],
    [{ camera: ["https://*.example.com:8443", "src"] }, 'camera=("https://*.example.com:8443" src)'],
  ])("writes %j", (policy, text) => {
    expect(formatPermissions(policy)).toBe(text);
  });

  it.each<[unknown]>([
    [{ Camera: [] }],
    [{ "camera=": [] }],
    [{ camera: "self" }],
    [{ camera: ["'self'"] }],
    [{ camera: ["*", "self"] }],
    [{ camera: ['https://a"b'] }],
    [{ camera: ["https://a b"] }],
    [{ camera: ["https://a\r\n"] }],
    [{ camera: ["maps.example"] }],
    [{ camera: [1] }],
    [{ camera: true }],
    [{ "": [] }],
  ])("refuses %j", (policy) => {
    expect(() => formatPermissions(policy as Record<string, string[]>)).toThrow(/^securityHeaders: /);
  });
});
