import { statusLine, type Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { client } from "./index.ts";
import { bytes, plain, textOf } from "./conformance/apps.ts";
import { redirectOf } from "./redirect.ts";

/** `/go?code=…&to=…` redirects; everything else shows the request. */
const app: Application = async (environ, startResponse) => {
  const query = new URLSearchParams(environ.QUERY_STRING);
  const to = query.get("to");
  if (environ.PATH_INFO === "/go" && to !== null) {
    startResponse(statusLine(Number(query.get("code") ?? 302)), plain(["Location", to], ["Set-Cookie", "seen=1; Path=/"]));
    return [bytes("elsewhere")];
  }
  const body = textOf(await environ["wsgi.input"].read());
  startResponse("200 OK", plain());
  const { REQUEST_METHOD, REQUEST_URI, HTTP_HOST, CONTENT_TYPE = "", HTTP_AUTHORIZATION = "", HTTP_COOKIE = "" } = environ;
  return [bytes([REQUEST_METHOD, HTTP_HOST, REQUEST_URI, CONTENT_TYPE, body, HTTP_AUTHORIZATION, HTTP_COOKIE].join(" | "))];
};

const go = (code: number, to: string): string => `/go?${new URLSearchParams({ code: `${code}`, to }).toString()}`;

describe("redirectOf", () => {
  it.each([
    [301, "GET", "GET"],
    [301, "POST", "GET"],
    [301, "PUT", "PUT"],
    [302, "POST", "GET"],
    [302, "HEAD", "HEAD"],
    [303, "POST", "GET"],
    [303, "PUT", "GET"],
    [303, "HEAD", "HEAD"],
    [307, "POST", "POST"],
    [308, "DELETE", "DELETE"],
  ])("makes of %i to %s a %s", (status, method, next) => {
    expect(redirectOf(method, "http://a/b", status, "c")).toMatchObject({ method: next, url: new URL("http://a/c") });
  });

  it.each([200, 201, 300, 304, 305, 404])("leads nowhere from %i", (status) => {
    expect(redirectOf("GET", "http://a/", status, "/b")).toBeUndefined();
  });

  it("leads nowhere without a Location, and refuses one that is none", () => {
    expect(redirectOf("GET", "http://a/", 302, undefined)).toBeUndefined();
    expect(() => redirectOf("GET", "http://a/", 302, "http://")).toThrow("a redirect to nowhere");
    expect(() => redirectOf("GET", "http://a/", 302, "mailto:x@y")).toThrow("a redirect to nowhere");
  });

  it("drops the fragment, and sees other origins", () => {
    expect(redirectOf("GET", "http://a/", 302, "/b#c")).toMatchObject({ url: new URL("http://a/b"), crossesOrigin: false });
    expect(redirectOf("GET", "http://a/", 302, "https://a/")).toMatchObject({ crossesOrigin: true });
  });
});

describe("a client that follows redirects", () => {
  it("does so only when it is told", async () => {
    expect((await client(app).get(go(302, "/x"))).status).toBe(302);
    const response = await client(app).get(go(302, "/x?y=%20"), { follow: true });
    expect(response.text()).toBe("GET | localhost | /x?y=%20 |  |  |  | seen=1");
    expect(response.redirects.map(({ status, url }) => [status, url])).toEqual([[302, `http://localhost${go(302, "/x?y=%20")}`]]);
  });

  it("keeps method and body for 307 and 308", async () => {
    const response = await client(app, { follow: true }).put(go(308, "/x"), { json: { a: 1 } });
    expect(response.text()).toContain('PUT | localhost | /x | application/json | {"a":1} |');
  });

  it("drops the body where the method becomes GET", async () => {
    const response = await client(app, { follow: true }).post(go(303, "/x"), {
      json: 1,
      headers: { "Content-Language": "en" },
      query: { z: "1" },
    });
    expect(response.text()).toBe("GET | localhost | /x |  |  |  | seen=1");
  });

  it("cannot send a stream twice", async () => {
    async function* once(): AsyncGenerator<string> {
      yield "x";
    }
    await expect(client(app, { follow: true }).post(go(307, "/x"), { body: once() })).rejects.toThrow("can be sent only once");
    expect((await client(app, { follow: true }).post(go(307, "/x"), { body: ["x", "y"] })).text()).toContain("| xy |");
  });

  it("tells no other origin the authorization and the cookies", async () => {
    const http = client(app, { follow: true });
    const headers = { Authorization: "Bearer x" };
    expect((await http.get(go(302, "/x"), { headers })).text()).toContain("| Bearer x | seen=1");
    expect((await http.get(go(302, "http://example.com/x"), { headers })).text()).toBe("GET | example.com | /x |  |  |  | ");
  });

  it("gives up after as many as it may follow", async () => {
    const loop: Application = (_environ, startResponse) => {
      startResponse("302 Found", plain(["Location", "/again"]));
      return [];
    };
    await expect(client(loop).get("/", { follow: true })).rejects.toThrow(
      "more than 10 redirects: http://localhost/ → http://localhost/again",
    );
    await expect(client(loop).get("/", { follow: 2 })).rejects.toThrow("more than 2 redirects");
    expect((await client(loop).get("/", { follow: 0 })).status).toBe(302);
  });
});
