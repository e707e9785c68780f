import { HTTPError, type Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { browser, served } from "./test-served.ts";

describe("an HTTPError within errors()", () => {
  const teapot = (options?: ConstructorParameters<typeof HTTPError>[2]): Application => {
    const error = new HTTPError(418, "Short & <stout>.", options);
    return () => {
      throw error;
    };
  };

  it("says its status, message and headers, again and again, and nothing to the log", async () => {
    const http = served(
      teapot({
        headers: [
          ["X-Tea", "green"],
          ["Content-Length", "999"],
        ],
      }),
    );
    for (let i = 0; i < 2; i++) {
      const response = await http.get("/", { headers: { Accept: "application/json" } });
      expect(response.status).toBe(418);
      expect(response.json()).toEqual({ type: "about:blank", title: "I'm a Teapot", status: 418, detail: "Short & <stout>." });
      expect(response.headers.getAll("X-Tea")).toEqual(["green"]);
      expect(response.headers.getAll("Content-Length")).toEqual([`${response.bytes.length}`]);
      expect(response.headers.has("Cache-Control")).toBe(false);
    }
    expect((await http.get("/")).text()).toBe("Short & <stout>.\n");
  });

  it("is escaped in a page that runs nothing", async () => {
    const response = await served(teapot()).get("/", { headers: browser });
    expect(response.text()).toContain("<p>Short &amp; &lt;stout&gt;.</p>");
    expect(response.text()).not.toContain("<stout>");
    expect(response.headers.get("Content-Security-Policy")).toMatch(/^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]{44}';/);
  });

  it("brings its cause to the log, with the id that the answer has", async () => {
    const response = await served(teapot({ cause: new Error("why") })).get("/", { errors: "expected" });
    expect(response.status).toBe(418);
    expect(response.text()).toBe("Short & <stout>.\nError id: id-1\n");
    expect(response.errors).toMatch(/^id-1 GET \/: Error: why/);
  });

  it("with a type of its own is sent as it is", async () => {
    const app: Application = () => {
      throw new HTTPError(400, '{"error":"mine"}', { headers: [["Content-Type", "application/json"]] });
    };
    const response = await served(app).get("/", { headers: browser });
    expect(response.json()).toEqual({ error: "mine" });
    expect(response.headers.get("Content-Type")).toBe("application/json");
  });

  it("without a message says its status", async () => {
    const app: Application = () => {
      throw new HTTPError(404);
    };
    const http = served(app);
    expect((await http.get("/")).text()).toBe("404 Not Found\n");
    expect((await http.get("/", { headers: { Accept: "application/json" } })).json()).toEqual({
      type: "about:blank",
      title: "Not Found",
      status: 404,
    });
  });

  it("that cannot be sent as it is becomes a 500, and both go to the log", async () => {
    const app: Application = () => {
      throw new HTTPError(404, "fine", { headers: [["X-Bad", "a\r\nb"]] });
    };
    const response = await served(app).get("/", { errors: "expected" });
    expect([response.status, response.text()]).toEqual([500, "500 Internal Server Error\nError id: id-1\n"]);
    expect(response.errors).toMatch(/A12[^]*HTTPError: fine/);
  });
});
