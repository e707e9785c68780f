import { client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import app, { escapeHtml, route, type Route } from "./routing.ts";

describe("the application with routes", () => {
  it.each([
    ["/", 200, '<h1>Hello</h1>\n<p>Try <a href="/hello/Ada">/hello/Ada</a>.</p>\n'],
    ["/hello", 200, "<p>Hello world!</p>\n"],
    ["/hello/", 200, "<p>Hello world!</p>\n"],
    ["/hello/Ada", 200, "<p>Hello Ada!</p>\n"],
    ["/hello/Zo%C3%AB/", 200, "<p>Hello Zoë!</p>\n"],
    ["/hello/a/b", 404, "<p>There is nothing at /hello/a/b.</p>\n"],
    ["/goodbye", 404, "<p>There is nothing at /goodbye.</p>\n"],
  ])("answers %s", async (path, status, body) => {
    const response = await client(app).get(path);

    expect(response.status).toBe(status);
    expect(response.text()).toBe(body);
  });

  it("escapes what the visitor sent", async () => {
    for (const path of ["/hello/%3Cscript%3E'x'", "/%3Cscript%3E'x'"]) {
      const body = (await client(app).get(path)).text();
      expect(body).toContain("&#60;script&#62;&#39;x&#39;");
    }
  });
});

describe("route", () => {
  it("gives the groups to the first application that matches", async () => {
    const show: Route[1] = (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from(JSON.stringify(environ["hello.url_args"]))];
    };
    const site = route(
      [
        [/^\/(\d+)-(\d+)$/, show],
        [/^\/(.*)$/, show],
      ],
      app,
    );

    expect((await client(site).get("/1-2")).text()).toBe('["1","2"]');
    expect((await client(site).get("/1-x")).text()).toBe('["1-x"]');
  });
});

describe("escapeHtml", () => {
  it("leaves nothing that HTML understands", () => {
    expect(escapeHtml(`<a href="x" title='y'>&amp;</a>`)).toBe(
      "&#60;a href=&#34;x&#34; title=&#39;y&#39;&#62;&#38;amp;&#60;/a&#62;",
    );
  });
});
