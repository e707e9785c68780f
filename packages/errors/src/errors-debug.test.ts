import { HTTPError, type Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { browser, early, served } from "./test-served.ts";

describe("debug of errors()", () => {
  const secrets = {
    Authorization: "Bearer s3cret",
    Cookie: "sid=s3cret",
    "X-Api-Key": "s3cret",
    Referer: "https://me:s3cret@example.com/a?password=s3cret&page=2",
    "User-Agent": "<script>alert(1)</script>",
    "X-<b>": "x",
  };
  const { "X-<b>": _unsendable, ...headers } = secrets;
  const failing: Application = () => {
    throw Object.assign(new Error("<script>alert(2)</script>", { cause: new Error("deeper") }), {
      code: "E_FIRE",
      config: { headers: { authorization: "Bearer s3cret" } },
      apiKey: "s3cret",
    });
  };

  it.each(["text/html", "application/problem+json", "application/json", "text/plain"])(
    "shows source, stack and environ as %s, without secrets",
    async (accept) => {
      const response = await served(failing, { debug: true }).get("/path?token=s3cret&page=2", {
        headers: { ...headers, Accept: accept },
        environ: {
          DATABASE_URL: "postgres://me:s3cret@db/app",
          "gateway.session": { id: "s3cret" },
          MY_PASSWORD: "s3cret",
        } as object,
        errors: "expected",
      });
      const text = response.text();
      expect(response.status).toBe(500);
      expect(text).toContain("errors-debug.test.ts");
      expect(text).toContain("deeper");
      expect(text).toContain("E_FIRE");
      expect(text).toContain("PATH_INFO");
      expect(text).toContain("page=2");
      expect(text).toContain("id-1");
      // Source lines of this very file hold the word too: what comes from the request must not.
      expect(text.replaceAll(/<pre[^]*?<\/pre>/g, "")).not.toMatch(/Bearer s3cret|sid=s3cret|token=s3cret|:s3cret@|: "?s3cret/);
      expect(response.headers.get("Content-Type")).toContain(accept);
      expect(response.errors).toContain("id-1 GET /path: Error");
      if (accept === "text/html") {
        expect(text).not.toMatch(/<script>alert/);
        const policy = response.headers.get("Content-Security-Policy") ?? "";
        const [, nonce = ""] = /script-src 'nonce-([^']+)'/.exec(policy) ?? [];
        expect(nonce.length).toBeGreaterThan(20);
        const scripts = [...text.matchAll(/<(?:script|style)\b([^>]*)>/g)].map(([, attributes = ""]) => attributes);
        expect(scripts.length).toBeGreaterThan(2);
        expect(scripts.every((attributes) => attributes.includes(`nonce="${nonce}"`))).toBe(true);
      }
    },
  );

  it.each(early)("answers what is thrown %s", async (_name, app) => {
    const response = await served(app, { debug: true }).get("/", { headers: browser, errors: "expected" });
    expect(response.status).toBe(500);
    expect(response.text()).toContain("s3cret detail");
  });

  it("says an HTTPError as production does", async () => {
    const app: Application = () => {
      throw new HTTPError(404, "Nothing here.");
    };
    expect((await served(app, { debug: true }).get("/")).text()).toBe("Nothing here.\n");
  });

  it("cannot be turned on by a request", async () => {
    const http = served(failing);
    for (const extra of [
      { "X-Debug": "1", Debug: "true" },
      { Cookie: "debug=true" },
      { Accept: "text/html", "X-Forwarded-For": "127.0.0.1" },
    ]) {
      const response = await http.get("/?debug=1&debug=true", { headers: extra as Record<string, string>, errors: "expected" });
      expect(response.text()).not.toMatch(/errors-debug\.test|E_FIRE|deeper|PATH_INFO/);
    }
  });
});
