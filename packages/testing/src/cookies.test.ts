import type { Application, Header } from "@gateway/core";
import { describe, expect, it, vi } from "vitest";
import { client } from "./index.ts";
import { bytes, plain } from "./conformance/apps.ts";

/** Sets the cookies that its query asks for, and shows those that it got. */
const cookieApp: Application = (environ, startResponse) => {
  const set = new URLSearchParams(environ.QUERY_STRING).getAll("set").map((value): Header => ["Set-Cookie", value]);
  startResponse("200 OK", plain(...set));
  return [bytes(environ.HTTP_COOKIE ?? "")];
};

describe("the cookies of a client", () => {
  it("go from one request to the next", async () => {
    const http = client(cookieApp);
    expect((await http.get("/", { query: { set: ["a=1; Path=/", "b=2; Path=/; HttpOnly"] } })).text()).toBe("");
    expect((await http.get("/")).text()).toBe("a=1; b=2");
    expect((await client(cookieApp).get("/")).text()).toBe("");
  });

  it("go to the paths they belong to", async () => {
    const http = client(cookieApp);
    await http.get("/shop/cart", { query: { set: ["a=1; Path=/shop", "b=2"] } });
    expect((await http.get("/shop/x")).text()).toBe("a=1; b=2");
    expect((await http.get("/shop")).text()).toBe("a=1; b=2");
    expect((await http.get("/")).text()).toBe("");
    expect((await http.get("/shopping")).text()).toBe("");
  });

  it("go to the hosts they belong to", async () => {
    const http = client(cookieApp);
    await http.get("http://www.example.com/", {
      query: { set: ["own=1", "shared=2; Domain=example.com", "foreign=3; Domain=example.org", "all=4; Domain=com"] },
    });
    expect((await http.get("http://www.example.com/")).text()).toBe("own=1; shared=2");
    expect((await http.get("http://api.example.com/")).text()).toBe("shared=2");
    expect((await http.get("http://example.org/")).text()).toBe("");
  });

  it("go over secure connections where they ask for it", async () => {
    const http = client(cookieApp, { origin: "https://example.com" });
    await http.get("/", { query: { set: ["a=1; Secure", "b=2", "__Host-c=3; Secure; Path=/"] } });
    expect((await http.get("/")).text()).toContain("a=1");
    expect((await http.get("http://example.com/")).text()).toBe("b=2");
    await http.get("http://example.com/", { query: { set: "d=4; Secure" } });
    expect(http.cookies.get("d")).toBeUndefined();
  });

  it("follow the scheme that the environ says", async () => {
    const http = client(cookieApp, { origin: "http://example.com", environ: { "wsgi.url_scheme": "https" } });
    await http.get("/", { query: { set: "a=1; Secure" } });
    expect((await http.get("/")).text()).toBe("a=1");
    expect((await http.get("/", { environ: { "wsgi.url_scheme": "http" } })).text()).toBe("");
  });

  it("expire", async () => {
    vi.useFakeTimers({ now: 0 });
    try {
      const http = client(cookieApp);
      await http.get("/", { query: { set: ["a=1; Max-Age=10", "b=2", "c=3"] } });
      await http.get("/", { query: { set: "c=; Max-Age=0" } });
      expect((await http.get("/")).text()).toBe("a=1; b=2");
      vi.setSystemTime(11_000);
      expect(http.cookies.list().map(({ name }) => name)).toEqual(["b"]);
      expect((await http.get("/")).text()).toBe("b=2");
    } finally {
      vi.useRealTimers();
    }
  });

  it("go beside those of a Cookie header", async () => {
    const http = client(cookieApp);
    http.cookies.set("a", "1");
    expect((await http.get("/", { headers: { Cookie: "b=2" } })).text()).toBe("b=2; a=1");
  });

  it("can be read, set and forgotten", async () => {
    const http = client(cookieApp);
    await http.get("/x/y", { query: { set: "a=1; Path=/x; HttpOnly; SameSite=Lax" } });
    expect(http.cookies.get("a")).toBe("1");
    expect(http.cookies.list()).toEqual([
      {
        name: "a",
        value: "1",
        domain: "localhost",
        path: "/x",
        secure: false,
        httpOnly: true,
        sameSite: "lax",
        expires: undefined,
      },
    ]);
    http.cookies.set("b", "2", "Path=/b");
    expect((await http.get("/b")).text()).toBe("b=2");
    expect(() => http.cookies.set("c", "3", "Domain=example.com")).toThrow("domain");
    expect(http.cookies.delete("a")).toBe(true);
    expect(http.cookies.delete("a")).toBe(false);
    http.cookies.clear();
    expect(http.cookies.list()).toEqual([]);
  });

  it("are kept from streamed responses too", async () => {
    const http = client(cookieApp);
    const response = await http.open("GET", "/", { query: { set: "a=1" } });
    expect(http.cookies.get("a")).toBe("1");
    for await (const chunk of response.body) expect(chunk.length).toBe(0);
    await response.finished;
  });

  it("are off on demand", async () => {
    const http = client(cookieApp, { cookies: false });
    await http.get("/", { query: { set: "a=1" } });
    expect((await http.get("/")).text()).toBe("");
    expect(http.cookies.list()).toEqual([]);
  });

  it("asks for a host that can have no cookies like for any other", async () => {
    const app: Application = (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from(`${environ.HTTP_HOST} ${environ.HTTP_COOKIE}`)];
    };
    const response = await client(app).get("/", { headers: { Host: "example" } });
    expect(response.text()).toBe("example undefined");
  });
});
