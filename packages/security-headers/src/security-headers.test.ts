import { compose, type Application, type Environ, type HeaderList } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { securityHeaders, type SecurityHeadersEnviron, type SecurityHeadersOptions } from "./index.ts";
import { layerConformance } from "@gateway/testing/layer";
import { importExample } from "@gateway/testing/readme";

type App = Application<Environ & SecurityHeadersEnviron>;

const around = (app: App, options?: SecurityHeadersOptions): Application => compose(securityHeaders(options), validator)(app);

const answering =
  (headers: HeaderList = []): App =>
  (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"], ...headers]);
    return [Buffer.from("hello")];
  };

/** All headers of the answer that the application did not set. */
async function added(
  options?: SecurityHeadersOptions,
  origin = "http://localhost",
  app: App = answering(),
): Promise<Record<string, string>> {
  const { headers } = await client(around(app, options), { origin }).get("/");
  const own = new Set(["Content-Type", "Content-Length"]);
  return Object.fromEntries([...headers].filter(([name]) => !own.has(name)));
}

const withNonce: App = (environ, startResponse) => {
  const nonce = environ["gateway.csp_nonce"]();
  const again = environ["gateway.csp_nonce"]();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(nonce === again ? nonce : "another")];
};

describe("securityHeaders", () => {
  it("runs the example of the README", async () => {
    const example = await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/security-headers": new URL("index.ts", import.meta.url),
    });
    const response = await client(example as Application).get("/");
    const [, nonce] = /<script nonce="([^"]+)">/.exec(response.text()) ?? [];
    const policy = response.headers.get("Content-Security-Policy");
    expect(policy).toContain(`script-src 'self' 'nonce-${nonce}'`);
    expect(policy).toContain("img-src 'self' https://images.example");
    expect(response.headers.get("Permissions-Policy")).toContain("geolocation=(self)");
  });

  it("sets what the README says by default", async () => {
    const policy =
      "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; script-src 'self'; style-src 'self'";
    const always = {
      "Content-Security-Policy": policy,
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Embedder-Policy": "require-corp",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Origin-Agent-Cluster": "?1",
      "Referrer-Policy": "same-origin",
      "Permissions-Policy":
        "accelerometer=(), bluetooth=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), window-management=(), xr-spatial-tracking=()",
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
    };
    expect(await added()).toEqual(always);
    expect(await added({}, "https://localhost")).toEqual({
      ...always,
      "Content-Security-Policy": `${policy}; upgrade-insecure-requests`,
      "Strict-Transport-Security": "max-age=31536000",
    });
  });

  layerConformance((app) => around(app), { describe, it });
  describe("with every header that stands twice replaced", () => {
    layerConformance((app) => around(app, { existing: "override" }), { describe, it });
  });

  const nothing: SecurityHeadersOptions = {
    contentSecurityPolicy: false,
    strictTransportSecurity: false,
    crossOriginOpenerPolicy: false,
    crossOriginEmbedderPolicy: false,
    crossOriginResourcePolicy: false,
    originAgentCluster: false,
    referrerPolicy: false,
    permissionsPolicy: false,
    xContentTypeOptions: false,
    xFrameOptions: false,
  };

  it("leaves out what it is told to", async () => {
    expect(await added(nothing, "https://localhost")).toEqual({});
  });

  it("takes what is undefined for what is not given, in policies too: they must not become weaker by that", async () => {
    const undefineds: SecurityHeadersOptions = {
      contentSecurityPolicy: undefined,
      contentSecurityPolicyReportOnly: undefined,
      reportingEndpoints: undefined,
      strictTransportSecurity: undefined,
      crossOriginOpenerPolicy: undefined,
      crossOriginEmbedderPolicy: undefined,
      crossOriginResourcePolicy: undefined,
      originAgentCluster: undefined,
      referrerPolicy: undefined,
      permissionsPolicy: undefined,
      xContentTypeOptions: undefined,
      xFrameOptions: undefined,
      existing: undefined,
    };
    const byDefault = await added({}, "https://localhost");
    expect(await added(undefineds, "https://localhost")).toEqual(byDefault);
    const within: SecurityHeadersOptions = {
      contentSecurityPolicy: { "default-src": undefined, "script-src": undefined, "frame-ancestors": undefined },
      permissionsPolicy: { camera: undefined, geolocation: undefined },
      strictTransportSecurity: { maxAgeSeconds: undefined, includeSubDomains: undefined, preload: undefined },
      reportingEndpoints: { csp: undefined },
    };
    expect(await added(within, "https://localhost")).toEqual(byDefault);
  });

  it.each<[SecurityHeadersOptions, Record<string, string>]>([
    [
      { strictTransportSecurity: { maxAgeSeconds: 63_072_000, includeSubDomains: true, preload: true } },
      { "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload" },
    ],
    [{ strictTransportSecurity: { maxAgeSeconds: 0 } }, { "Strict-Transport-Security": "max-age=0" }],
    [{ crossOriginOpenerPolicy: "same-origin-allow-popups" }, { "Cross-Origin-Opener-Policy": "same-origin-allow-popups" }],
    [{ crossOriginEmbedderPolicy: "credentialless" }, { "Cross-Origin-Embedder-Policy": "credentialless" }],
    [{ crossOriginResourcePolicy: "cross-origin" }, { "Cross-Origin-Resource-Policy": "cross-origin" }],
    [{ originAgentCluster: true }, { "Origin-Agent-Cluster": "?1" }],
    [
      { referrerPolicy: ["no-referrer", "strict-origin-when-cross-origin"] },
      { "Referrer-Policy": "no-referrer, strict-origin-when-cross-origin" },
    ],
    [{ xContentTypeOptions: true }, { "X-Content-Type-Options": "nosniff" }],
    [{ xFrameOptions: "SAMEORIGIN" }, { "X-Frame-Options": "SAMEORIGIN" }],
    [
      { reportingEndpoints: { csp: "https://reports.example/csp?a=1", "de.fault": "https://r.example/" } },
      { "Reporting-Endpoints": 'csp="https://reports.example/csp?a=1", de.fault="https://r.example/"' },
    ],
    [
      {
        contentSecurityPolicyReportOnly: {
          "script-src": ["'self'"],
          "style-src": false,
          "report-to": ["csp"],
          "upgrade-insecure-requests": false,
        },
      },
      {
        "Content-Security-Policy-Report-Only":
          "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; script-src 'self'; report-to csp",
      },
    ],
  ])("sets %j", async (options, expected) => {
    expect(await added({ ...nothing, ...options }, "https://localhost")).toEqual(expected);
  });

  it("lets X-Frame-Options say what frame-ancestors says, as far as it can", async () => {
    const told = async (sources: readonly string[] | false) =>
      (await added({ contentSecurityPolicy: { "frame-ancestors": sources } }))["X-Frame-Options"];
    expect(await told(["'self'"])).toBe("SAMEORIGIN");
    expect(await told(["'none'"])).toBe("DENY");
    expect(await told(["'self'", "https://a.example"])).toBeUndefined();
    expect(await told(false)).toBeUndefined();
    expect((await added({ contentSecurityPolicy: false }))["X-Frame-Options"]).toBe("DENY");
  });

  const own: HeaderList = [
    ["content-security-policy", "default-src *"],
    ["X-FRAME-OPTIONS", "SAMEORIGIN"],
    ["X-Own", "1"],
    ["Content-Security-Policy", "img-src *"],
  ];

  it("keeps what the application set", async () => {
    const { headers } = await client(around(answering(own))).get("/");
    expect(headers.getAll("Content-Security-Policy")).toEqual(["default-src *", "img-src *"]);
    expect([headers.getAll("X-Frame-Options"), headers.getAll("X-Content-Type-Options")]).toEqual([["SAMEORIGIN"], ["nosniff"]]);
  });

  it("replaces it where it is told to, and nothing else", async () => {
    const { headers } = await client(around(answering(own), { existing: "override" })).get("/");
    expect(headers.getAll("Content-Security-Policy")).toEqual([expect.stringContaining("default-src 'self'")]);
    expect([headers.getAll("X-Frame-Options"), headers.getAll("X-Own"), headers.getAll("Content-Type")]).toEqual([
      ["DENY"],
      ["1"],
      ["text/plain"],
    ]);
    const left = await client(around(answering(own), { existing: "override", xFrameOptions: false })).get("/");
    expect(left.headers.getAll("X-Frame-Options")).toEqual(["SAMEORIGIN"]);
  });

  it("says HSTS over https only", async () => {
    expect(await added({}, "http://localhost")).not.toHaveProperty("Strict-Transport-Security");
    expect(await added({}, "https://localhost")).toHaveProperty("Strict-Transport-Security");
  });

  it("makes another nonce for each response that asks, and keeps shared caches away from it", async () => {
    const http = client(around(withNonce));
    const seen = new Set<string>();
    for (let i = 0; i < 50; i++) {
      const { headers, text } = await http.get("/").then((response) => ({ headers: response.headers, text: response.text() }));
      expect(Buffer.from(text, "base64").length).toBe(16);
      expect(headers.get("Content-Security-Policy")?.split(`'nonce-${text}'`).length).toBe(3);
      expect(headers.getAll("Cache-Control")).toEqual(["private, no-cache"]);
      seen.add(text);
    }
    expect(seen.size).toBe(50);
    const { headers } = await client(around(answering())).get("/");
    expect([headers.get("Content-Security-Policy")?.includes("nonce"), headers.has("Cache-Control")]).toEqual([false, false]);
  });

  it("leaves a Cache-Control of the application alone", async () => {
    const app: App = (environ, startResponse) => {
      environ["gateway.csp_nonce"]();
      startResponse("200 OK", [
        ["Content-Type", "text/plain"],
        ["cache-control", "no-store"],
      ]);
      return [Buffer.from("x")];
    };
    expect((await client(around(app)).get("/")).headers.getAll("Cache-Control")).toEqual(["no-store"]);
  });

  it("gives the nonce to an application that got a copy of environ, and to a late one", async () => {
    const copying: App = (environ, startResponse) => withNonce({ ...environ, SCRIPT_NAME: "/x" }, startResponse);
    const late: App = async function* (environ, startResponse) {
      yield* withNonce(environ, startResponse) as readonly Uint8Array[];
    };
    for (const app of [copying, late]) {
      const response = await client(around(app)).get("/");
      expect(response.headers.get("Content-Security-Policy")).toContain(`'nonce-${response.text()}'`);
    }
  });

  it("puts the nonce into a head that replaces another, and into the report-only policy", async () => {
    const app: App = (environ, startResponse) => {
      const nonce = environ["gateway.csp_nonce"]();
      startResponse("200 OK", []);
      startResponse("500 Internal Server Error", [["Content-Type", "text/plain"]], new Error("x"));
      return [Buffer.from(nonce)];
    };
    const response = await client(around(app, { contentSecurityPolicyReportOnly: {} })).get("/");
    for (const name of ["Content-Security-Policy", "Content-Security-Policy-Report-Only"]) {
      expect(response.headers.getAll(name)).toEqual([expect.stringContaining(`'nonce-${response.text()}'`)]);
    }
  });

  it("says so when the nonce is asked for too late", async () => {
    const app: App = (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from(environ["gateway.csp_nonce"]())];
    };
    const response = await client(around(app), { errors: "expected" }).get("/");
    expect([response.status, response.errors]).toEqual([500, expect.stringContaining("ask for the nonce before startResponse")]);
  });

  it("adds no nonce where no directive has a place for it", () => {
    const environ = buildEnviron();
    const keys = Object.keys(environ);
    const layer = securityHeaders({ contentSecurityPolicy: { "script-src": ["'self'"], "style-src": ["'self'"] } });
    void layer(answering())(environ, () => () => {});
    expect(Object.keys(environ)).toEqual(keys);
  });

  it("keeps a synchronous application synchronous, and its array an array", () => {
    const body = validator(around(answering()))(buildEnviron(), () => () => {}) as readonly Uint8Array[] & { close?(): void };
    expect(Array.isArray(body)).toBe(true);
    expect([...body].length).toBe(1);
    body.close?.();
  });

  it("gives each response the same headers, in a list of its own", async () => {
    const http = client(around(answering()));
    const first = await http.get("/");
    const second = await http.get("/");
    expect(second.headers.list).toEqual(first.headers.list);
    expect(second.headers.list).not.toBe(first.headers.list);
  });

  it.each<[string, unknown]>([
    ["an unknown opener policy", { crossOriginOpenerPolicy: "same-site" }],
    ["an embedder policy with a line end", { crossOriginEmbedderPolicy: "require-corp\r\nX: y" }],
    ["an unknown resource policy", { crossOriginResourcePolicy: true }],
    ["an unknown referrer policy", { referrerPolicy: ["no-referrer", "none"] }],
    ["an unknown frame option", { xFrameOptions: "ALLOW-FROM https://a.example" }],
    ["nosniff as a text", { xContentTypeOptions: "nosniff" }],
    ["a cluster as a text", { originAgentCluster: "?1" }],
    ["a policy as a text", { contentSecurityPolicy: "default-src 'self'" }],
    ["a policy that is null", { contentSecurityPolicy: null }],
    ["permissions as a list", { permissionsPolicy: ["camera"] }],
    ["a wrong directive", { contentSecurityPolicyReportOnly: { "img-scr": ["'self'"] } }],
    ["half a second", { strictTransportSecurity: { maxAgeSeconds: 0.5 } }],
    ["a negative age", { strictTransportSecurity: { maxAgeSeconds: -1 } }],
    ["an age that would be written with an exponent", { strictTransportSecurity: { maxAgeSeconds: 1e21 } }],
    ["an endless age", { strictTransportSecurity: { maxAgeSeconds: Infinity } }],
    ["an age that is null", { strictTransportSecurity: { maxAgeSeconds: null } }],
    ["preload without subdomains", { strictTransportSecurity: { preload: true } }],
    ["preload for too short", { strictTransportSecurity: { preload: true, includeSubDomains: true, maxAgeSeconds: 3600 } }],
    ["subdomains as a text", { strictTransportSecurity: { includeSubDomains: "yes" } }],
    ["transport as a number", { strictTransportSecurity: 3600 }],
    ["an endpoint without https", { reportingEndpoints: { csp: "http://reports.example/" } }],
    ["an endpoint with a quote", { reportingEndpoints: { csp: 'https://reports.example/"' } }],
    ["an endpoint with a bad name", { reportingEndpoints: { "C SP": "https://reports.example/" } }],
    ["an option that there is not", { hsts: false }],
    ["a part of an option that there is not", { strictTransportSecurity: { maxAge: 60 } }],
    ["an unknown way with existing ones", { existing: "append" }],
  ])("refuses %s while wrapping", (_, options) => {
    expect(() => securityHeaders(options as SecurityHeadersOptions)).toThrow(/^securityHeaders: /);
  });
});
