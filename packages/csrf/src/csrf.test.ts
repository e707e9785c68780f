import { compose, HTTPError, isHTTPError, layer, type Application, type Environ } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import {
  csrf,
  csrfSessionKey,
  csrfToken,
  type CsrfDecision,
  type CsrfEnviron,
  type CsrfOptions,
  type CsrfSessionEnviron,
} from "./index.ts";
import { layerConformance } from "@gateway/testing/layer";
import { importExample } from "@gateway/testing/readme";

/** A session for all requests, as a layer outside would give it. */
function memorySession(data: Map<string, unknown> = new Map()): {
  environ: Pick<CsrfSessionEnviron, "gateway.session">;
  data: Map<string, unknown>;
} {
  return { data, environ: { "gateway.session": { get: (key) => data.get(key), set: (key, value) => void data.set(key, value) } } };
}

/** Answers with what was decided, the validator on both sides. */
function guarded(options: CsrfOptions = {}, app: Application<Environ & CsrfEnviron> = tell): Application {
  const protect = csrf(options as CsrfOptions & { fallback?: "refuse" });
  return compose(protect, validator)(app);
}

const tell: Application<Environ & CsrfEnviron> = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "application/json"]]);
  return [Buffer.from(JSON.stringify(environ["gateway.csrf"] ?? null))];
};

const own = { Origin: "http://localhost" };

describe("csrf", () => {
  it("runs the example of the README", async () => {
    const http = client(
      (await importExample(new URL("../README.md", import.meta.url), {
        "@gateway/csrf": new URL("index.ts", import.meta.url),
      })) as Application,
    );
    expect((await http.get("/")).text()).toContain("Count on from 0");
    expect((await http.post("/", { headers: { "Sec-Fetch-Site": "cross-site" } })).status).toBe(403);
    expect((await http.post("/", { headers: { "Sec-Fetch-Site": "same-origin" } })).text()).toContain("Count on from 1");
  });

  it.each(["GET", "HEAD", "OPTIONS", "TRACE"])("lets %s pass without a look", async (method) => {
    const headers = { "Sec-Fetch-Site": "cross-site", Origin: "https://evil.example" };
    const response = await client(guarded()).request(method, "/", { headers });
    expect(response.status).toBe(200);
    if (method !== "HEAD") expect(response.json()).toBeNull();
  });

  it("adds no key for a safe request", () => {
    const environ = buildEnviron();
    const keys = Object.keys(environ);
    void csrf()(tell)(environ, () => () => {});
    expect(Object.keys(environ)).toEqual(keys);
  });

  it.each<[Record<string, string>, CsrfDecision]>([
    [{ "Sec-Fetch-Site": "same-origin" }, { outcome: "allowed", reason: "same-origin" }],
    [
      { "Sec-Fetch-Site": "same-origin", Origin: "null" },
      { outcome: "allowed", reason: "same-origin" },
    ],
    [{ "Sec-Fetch-Site": "none" }, { outcome: "allowed", reason: "user" }],
    [
      { "Sec-Fetch-Site": "cross-site", Origin: "https://app.example" },
      { outcome: "allowed", reason: "listed-origin" },
    ],
    [
      { "Sec-Fetch-Site": "same-site", Origin: "https://app.example" },
      { outcome: "allowed", reason: "listed-origin" },
    ],
    [{ Origin: "https://app.example" }, { outcome: "allowed", reason: "listed-origin" }],
    [own, { outcome: "allowed", reason: "same-origin" }],
    [
      { "Sec-Fetch-Site": "cross-site", ...own },
      { outcome: "refused", reason: "cross-site" },
    ],
    [
      { "Sec-Fetch-Site": "same-site", Origin: "http://blog.localhost" },
      { outcome: "refused", reason: "same-site" },
    ],
    [{ "Sec-Fetch-Site": "cross-site" }, { outcome: "refused", reason: "cross-site" }],
    [
      { "Sec-Fetch-Site": "Same-Origin", ...own },
      { outcome: "refused", reason: "cross-site" },
    ],
    [
      { "Sec-Fetch-Site": "", ...own },
      { outcome: "refused", reason: "cross-site" },
    ],
    [{ Origin: "null" }, { outcome: "refused", reason: "opaque-origin" }],
    [{ Origin: "https://localhost" }, { outcome: "refused", reason: "cross-origin" }],
    [{ Origin: "http://localhost:8080" }, { outcome: "refused", reason: "cross-origin" }],
    [{ Origin: "http://localhost.evil.example" }, { outcome: "refused", reason: "cross-origin" }],
    [{ Origin: "http://localhost, http://localhost" }, { outcome: "refused", reason: "cross-origin" }],
    [{ Origin: "" }, { outcome: "refused", reason: "cross-origin" }],
    [{}, { outcome: "refused", reason: "no-headers" }],
  ])("decides %j", async (headers, decision) => {
    const told: CsrfDecision[] = [];
    const options: CsrfOptions = { origins: ["https://app.example"], onRefused: (decision) => told.push(decision) };
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "get", "PROPFIND"]) {
      const response = await client(guarded(options)).request(method, "/", { headers });
      expect(response.status, method).toBe(decision.outcome === "allowed" ? 200 : 403);
      if (decision.outcome === "allowed") expect(response.json()).toEqual(decision);
      else expect(response.text()).toContain(`(${decision.reason})`);
    }
    expect(told).toEqual(decision.outcome === "allowed" ? [] : Array.from({ length: 6 }, () => decision));
  });

  it("takes two Sec-Fetch-Site for a stranger's", async () => {
    const headers: [string, string][] = [
      ["Sec-Fetch-Site", "same-origin"],
      ["Sec-Fetch-Site", "same-origin"],
    ];
    expect((await client(guarded()).post("/", { headers })).status).toBe(403);
  });

  it.each([
    ["http", "app.example", "http://app.example"],
    ["http", "app.example:80", "http://app.example"],
    ["http", "app.example:443", "http://app.example:443"],
    ["https", "app.example:443", "https://app.example"],
    ["https", "APP.example:8443", "https://app.example:8443"],
    ["https", "[2001:db8::1]:443", "https://[2001:db8::1]"],
    ["http", "", "http://localhost:8000"],
  ])("takes a request by %s to %j for one to %s", async (scheme, host, origin) => {
    const environ = { "wsgi.url_scheme": scheme, HTTP_HOST: host, SERVER_PORT: "8000" };
    const http = client(guarded(), { environ });
    expect((await http.post("/", { headers: { Origin: origin } })).status).toBe(200);
    expect((await http.post("/", { headers: { Origin: `${origin}0` } })).status).toBe(403);
  });

  it("tells what was decided to whoever stands outside, and shows nothing of the request", async () => {
    const environ = buildEnviron({ method: "POST", headers: [["Origin", "http://<script>"]] });
    let thrown: unknown;
    try {
      void guarded()(environ, () => () => {});
    } catch (error) {
      thrown = error;
    }
    expect(environ["gateway.csrf"]).toEqual({ outcome: "refused", reason: "cross-origin" });
    expect(isHTTPError(thrown) && thrown.status).toBe("403 Forbidden");
    expect(String(thrown)).not.toContain("script");
  });

  it("lets programs in where it is told to, but no browser that says it comes from elsewhere", async () => {
    const http = client(guarded({ fallback: "allow" }));
    expect((await http.post("/")).json()).toEqual({ outcome: "allowed", reason: "no-headers" });
    expect((await http.post("/", { headers: { Origin: "null" } })).status).toBe(403);
    expect((await http.post("/", { headers: { "Sec-Fetch-Site": "cross-site" } })).status).toBe(403);
  });

  it("refuses also where telling of it fails, and reports that", async () => {
    const onRefused = (): never => {
      throw new Error("in the listener");
    };
    const response = await client(compose(csrf({ onRefused }), validator)(tell)).post("/", { errors: "expected" });
    expect([response.status, response.errors]).toEqual([403, expect.stringContaining("in the listener")]);
  });

  it("does not look at what is exempt", async () => {
    const http = client(guarded({ exempt: (environ) => environ.PATH_INFO === "/hook" }));
    expect((await http.post("/hook", { headers: { "Sec-Fetch-Site": "cross-site" } })).json()).toEqual({
      outcome: "allowed",
      reason: "exempt",
    });
    expect((await http.post("/hook/", { headers: { "Sec-Fetch-Site": "cross-site" } })).status).toBe(403);
  });

  it("judges the method that the application will see", async () => {
    const override = layer((app) => (environ, startResponse) => {
      const method = environ.HTTP_X_HTTP_METHOD_OVERRIDE;
      return app(method === undefined ? environ : { ...environ, REQUEST_METHOD: method }, startResponse);
    });
    const http = client(compose(override)(guarded()));
    const headers = { "Sec-Fetch-Site": "cross-site", "X-HTTP-Method-Override": "DELETE" };
    expect((await http.get("/", { headers })).status).toBe(403);
  });

  it.each<[string, CsrfOptions]>([
    ["an unknown fallback", { fallback: "block" as "refuse" }],
    ["origins that are no list", { origins: "https://app.example" as unknown as string[] }],
    ["an origin with a path", { origins: ["https://app.example/"] }],
    ["an origin in capitals", { origins: ["https://APP.example"] }],
    ["an origin with the default port", { origins: ["https://app.example:443"] }],
    ["an origin without scheme", { origins: ["app.example"] }],
    ["an origin of another scheme", { origins: ["file:///"] }],
    ["null as an origin", { origins: ["null"] }],
    ["a number as an origin", { origins: [1 as unknown as string] }],
    ["a header with a space", { fallback: "token", tokenHeader: "X CSRF" }],
    ["a header with an underscore", { fallback: "token", tokenHeader: "X_CSRF" }],
    ["a token that is no function", { fallback: "token", token: "x" as unknown as () => string }],
    ["two places for the token", { fallback: "token", token: () => "x", tokenHeader: "X-Token" }],
    ["a token that is never read", { token: () => "x" }],
    ["a token header that is never read", { tokenHeader: "X-Token" }],
    ["an option that there is not", { exempts: () => true } as object],
    ["exempt that is no function", { exempt: true as unknown as () => boolean }],
    ["onRefused that is no function", { onRefused: console as unknown as () => void }],
  ])("refuses %s while wrapping", (_, options) => {
    expect(() => csrf(options)).toThrow(TypeError);
    expect(() => csrf(options)).toThrow(/^csrf: /);
  });
});

it("takes an option of csrf() that is undefined for one that is not given", async () => {
  const options = { fallback: undefined, origins: undefined, tokenHeader: undefined, token: undefined } as const;
  const http = client(compose(csrf({ ...options, exempt: undefined, onRefused: undefined }), validator)(tell));
  expect((await http.post("/", { headers: own })).json()).toEqual({ outcome: "allowed", reason: "same-origin" });
  expect((await http.post("/")).text()).toContain("(no-headers)");
});

describe("csrf with tokens", () => {
  const withTokens = (
    options: Omit<CsrfOptions, "fallback">,
    app: Application<Environ & CsrfEnviron & CsrfSessionEnviron> = tell,
  ) => compose(csrf({ ...options, fallback: "token" }), validator)(app);

  it("asks for a token of the session where there is neither header", async () => {
    const { environ } = memorySession();
    const http = client(withTokens({}), { environ });
    const token = csrfToken(environ);
    const another = csrfToken(environ);
    expect(another).not.toBe(token);
    for (const good of [token, another]) {
      expect((await http.post("/", { headers: { "X-CSRF-Token": good } })).json()).toEqual({ outcome: "allowed", reason: "token" });
    }
    const stranger = csrfToken(memorySession().environ);
    for (const bad of [stranger, "x", `${token}=`, token.slice(1), `${token}A`, token.toLowerCase(), "A".repeat(86)]) {
      expect((await http.post("/", { headers: { "X-CSRF-Token": bad } })).text(), bad).toContain("(wrong-token)");
    }
    expect((await http.post("/")).text()).toContain("(no-token)");
    expect((await http.post("/", { headers: { "X-CSRF-Token": "" } })).text()).toContain("(no-token)");
  });

  it("lets no token outweigh what the browser says", async () => {
    const { environ } = memorySession();
    const headers = { "Sec-Fetch-Site": "cross-site", "X-CSRF-Token": csrfToken(environ) };
    expect((await client(withTokens({}), { environ }).post("/", { headers })).text()).toContain("(cross-site)");
  });

  it("needs no session for what the headers decide, and makes none for a token that is sent", async () => {
    const { environ, data } = memorySession();
    const http = client(withTokens({}), { environ });
    expect((await http.post("/", { headers: own })).status).toBe(200);
    expect((await http.post("/", { headers: { "X-CSRF-Token": csrfToken(memorySession().environ) } })).text()).toContain(
      "(wrong-token)",
    );
    expect([...data]).toEqual([]);
  });

  it("forgets its tokens with the key in the session", async () => {
    const { environ, data } = memorySession();
    const token = csrfToken(environ);
    data.delete(csrfSessionKey);
    const http = client(withTokens({}), { environ });
    expect((await http.post("/", { headers: { "X-CSRF-Token": token } })).status).toBe(403);
    csrfToken(environ);
    expect((await http.post("/", { headers: { "X-CSRF-Token": token } })).status).toBe(403);
  });

  it("reads the token of a form where it is told how, and never otherwise", async () => {
    const { environ } = memorySession();
    let asked = 0;
    const echo: Application = async (environ, startResponse) => {
      const body = await environ["wsgi.input"].read();
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [body];
    };
    const readForm = async (environ: Environ) => {
      asked++;
      const text = Buffer.from(await environ["wsgi.input"].read()).toString();
      return new URLSearchParams(text).get("csrf_token") ?? undefined;
    };
    const http = client(withTokens({ token: readForm }, echo), { environ });
    const form = { csrf_token: csrfToken(environ) };
    expect((await http.post("/", { form, headers: own })).text()).toContain("csrf_token=");
    expect(asked).toBe(0);
    expect((await http.post("/", { form })).text()).toBe("");
    expect((await http.post("/", { form: { csrf_token: "x" } })).status).toBe(403);
    expect(asked).toBe(2);
    const byHeader = client(withTokens({}, echo), { environ });
    expect((await byHeader.post("/", { body: "untouched", headers: { "X-CSRF-Token": csrfToken(environ) } })).text()).toBe(
      "untouched",
    );
  });

  it("takes for no token what is no text, such as the null of FormData and a file", async () => {
    const { environ } = memorySession();
    for (const token of [null, 1, {}, new Uint8Array(86)]) {
      const http = client(withTokens({ token: () => token as unknown as string }), { environ });
      expect((await http.post("/")).text(), JSON.stringify(token)).toContain("(no-token)");
    }
  });

  it("throws what reading the token throws", async () => {
    const { environ } = memorySession();
    const tooLarge = async () => Promise.reject(new HTTPError(413));
    expect((await client(withTokens({ token: tooLarge }), { environ }).post("/")).status).toBe(413);
  });

  it("says so when the session holds something else under its key", () => {
    const { environ } = memorySession(new Map([[csrfSessionKey, "short"]]));
    expect(() => csrfToken(environ)).toThrow(TypeError);
  });

  it("keeps a synchronous application synchronous", () => {
    const { environ } = memorySession();
    const given = buildEnviron({ method: "POST", headers: [["X-CSRF-Token", csrfToken(environ)]], overrides: environ });
    const body = validator(withTokens({}) as Application)(given, () => () => {}) as readonly Uint8Array[] & { close?(): void };
    expect(Array.isArray(body)).toBe(true);
    expect([...body].length).toBe(1);
    body.close?.();
  });
});

describe("csrf around any application", () => {
  layerConformance((app) => guarded({}, app), { describe, it }, { method: "POST", headers: own });
});
