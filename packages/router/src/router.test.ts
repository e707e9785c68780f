import { compose, layer, onClose, type Application, type Environ } from "@gateway/core";
import { client, buildEnviron } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { mount, router, type RoutingEnviron } from "./index.ts";
import { importExample } from "@gateway/testing/readme";

/** Says what it was called with. */
const echo: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "application/json"]]);
  const { SCRIPT_NAME, PATH_INFO, REQUEST_METHOD } = environ;
  return [
    Buffer.from(
      JSON.stringify({ at: SCRIPT_NAME, path: PATH_INFO, method: REQUEST_METHOD, args: environ["wsgiorg.routing_args"] }),
    ),
  ];
};
const named =
  (name: string): Application =>
  (_, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    return [Buffer.from(name)];
  };
const args = async (app: Application, path: string): Promise<unknown> =>
  ((await client(app).get(path)).json() as { args: unknown }).args;

/** Answers of every kind, for the validator on both sides of the router. */
const kinds: readonly { readonly name: string; readonly app: Application; readonly text: string; readonly status?: number }[] = [
  { name: "an array", app: named("hello"), text: "hello" },
  {
    name: "a late startResponse",
    app: function* (_, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("la");
      yield Buffer.from("te");
    },
    text: "late",
  },
  {
    name: "an asynchronous body",
    app: async function* (_, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield await Promise.resolve(Buffer.from("later"));
    },
    text: "later",
  },
  {
    name: "a promise and write()",
    app: async (_, startResponse) => {
      await startResponse("200 OK", [["Content-Type", "text/plain"]])(Buffer.from("wri"));
      return [Buffer.from("tten")];
    },
    text: "written",
  },
  {
    name: "a file",
    app: (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      const blocks = ["fi", "le", ""];
      return environ["wsgi.file_wrapper"]?.({ read: () => Buffer.from(blocks.shift() ?? "") }) ?? [];
    },
    text: "file",
  },
  {
    name: "a 204",
    app: (_, startResponse) => {
      startResponse("204 No Content", []);
      return [];
    },
    text: "",
    status: 204,
  },
  {
    name: "a 304",
    app: (_, startResponse) => {
      startResponse("304 Not Modified", [["ETag", '"a"']]);
      return [];
    },
    text: "",
    status: 304,
  },
];

describe("router", () => {
  it.each(kinds)("hands on $name as it is", async ({ app, text, status = 200 }) => {
    const both = validator(router([["/x/:y", validator(app)]]));
    const response = await client(both).get("/x/1");
    expect([response.status, response.text()]).toEqual([status, text]);
    const head = await client(both).request("HEAD", "/x/1");
    expect([head.status, head.text()]).toEqual([status, ""]);
  });

  it("stays synchronous, and hands on the very body", () => {
    const body = [Buffer.from("x")];
    const app = router([
      [
        "/:a",
        (_, startResponse) => {
          startResponse("200 OK", []);
          return body;
        },
      ],
    ]);
    expect(app(buildEnviron({ target: "/a" }), () => () => {})).toBe(body);
  });

  it("closes a stream that the client leaves, once", async () => {
    let closed = 0;
    const endless: Application = (_, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return onClose(
        (async function* () {
          for (;;) yield await Promise.resolve(Buffer.from("x"));
        })(),
        () => void closed++,
      );
    };
    const response = await client(validator(router([["/", validator(endless)]]))).open("GET", "/");
    for await (const chunk of response.body) if (chunk.length > 0) break;
    response.abort();
    expect((await response.finished).outcome).toBe("gone");
    expect(closed).toBe(1);
  });

  it("lets errors pass, before the head and after it", async () => {
    const before: Application = () => {
      throw new Error("early");
    };
    const after: Application = async function* (_, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("x");
      throw await Promise.resolve(new Error("late"));
    };
    const app = validator(
      router([
        ["/before", validator(before)],
        ["/after", validator(after)],
      ]),
    );
    const response = await client(app).get("/before", { errors: "expected" });
    expect([response.status, response.errors]).toEqual([500, expect.stringContaining("early")]);
    await expect(client(app).get("/after", { errors: "ignore" })).rejects.toThrow("late");
  });

  it("gives named arguments of patterns and positional ones of expressions, decoded", async () => {
    const app = router([
      ["/hello/:name", echo],
      ["/files/*path", echo],
      [/^\/archive\/(\d{4})\/(?<slug>[^/]+)$/, echo],
      ["/a{/:b}", echo],
    ]);
    expect(await args(app, "/hello/Ada%20L%C3%B6vel%61ce")).toEqual([[], { name: "Ada Lövelace" }]);
    expect(await args(app, "/files/a/b%20c/")).toEqual([[], { path: ["a", "b c", ""] }]);
    expect(await args(app, "/archive/2024/x-y")).toEqual([["2024", "x-y"], { slug: "x-y" }]);
    expect(await args(app, "/a")).toEqual([[], {}]);
    expect(await args(app, "/hello/%FF")).toEqual([[], { name: "\u{FFFD}" }]);
    expect(await args(app, "/hello/%252F")).toEqual([[], { name: "%2F" }]);
  });

  it("keeps a %2F in its segment, in any case of the hex digit", async () => {
    const app = router([
      ["/x/:a", echo],
      ["/x/:a/:b", echo, { name: "two" }],
      ["/*rest", echo],
      [/^\/(.*)$/, echo],
    ]);
    expect(await args(app, "/x/a%2Fb")).toEqual([[], { a: "a/b" }]);
    expect(await args(app, "/x/a%2fb/c%2F")).toEqual([[], { a: "a/b", b: "c/" }]);
    expect(await args(app, "/y%2Fz/w?q=%2F")).toEqual([[], { rest: ["y/z", "w"] }]);
    expect(await args(router([[/^\/([^/]+)$/, echo]]), "/a%2Fb")).toEqual([["a/b"], {}]);
    expect(await args(router([["/:name.:ext", echo]]), "/a%2Fb.c")).toEqual([[], { name: "a/b", ext: "c" }]);
  });

  it("sees the decoded path once a layer has rewritten it, so that no guard is walked around", async () => {
    const routes = router([
      ["/admin/:page", named("admin")],
      ["/:page", named("page")],
    ]);
    const rewrite = layer((app) => (environ, startResponse) => {
      environ.PATH_INFO = environ.PATH_INFO.replace("/old/", "/admin/");
      return app(environ, startResponse);
    });
    const guard = layer((app) => (environ, startResponse) => {
      if (environ.PATH_INFO.startsWith("/admin/")) return named("refused")(environ, startResponse);
      return app(environ, startResponse);
    });
    // Behind the rewrite there are slashes only: the guard and the router see the same path.
    expect((await client(compose(rewrite, guard)(routes)).get("/old%2Fusers")).text()).toBe("refused");
    expect((await client(rewrite(routes)).get("/old%2Fusers")).text()).toBe("admin");
    // Not rewritten, it is one segment, which the guard refuses as well.
    expect((await client(routes).get("/admin%2Fusers")).text()).toBe("page");
    expect((await client(guard(routes)).get("/admin%2Fusers")).text()).toBe("refused");
    // A front server that decoded the path says so, in effect.
    const environ = { REQUEST_URI: "/other%2Fpath" };
    expect((await client(routes).get("/admin/users", { environ })).text()).toBe("admin");
  });

  it("takes an empty path, as it is below a mount, for the root", async () => {
    const app = mount({
      "/shop": router([
        ["/", echo],
        ["/:x", echo],
      ]),
    });
    expect((await client(app).get("/shop")).json()).toMatchObject({ at: "/shop", path: "" });
    expect((await client(app).get("/shop/")).json()).toMatchObject({ at: "/shop", path: "/" });
  });

  it("matches below a mount on raw segments too", async () => {
    const app = mount({ "/größe": router([["/:x", echo]]) });
    expect((await client(app).get("/gr%C3%B6%C3%9Fe/a%2Fb")).json()).toMatchObject({ at: "/größe", args: [[], { x: "a/b" }] });
  });

  it("adds to what a router outside has found", async () => {
    const inner = router([[/^\/(?<shop>\w+)\/items\/(\d+)$/, echo]]);
    const app = router([["/:shop/*rest", inner]]);
    expect(await args(app, "/a/items/12")).toEqual([["a", "12"], { shop: "a", rest: ["items", "12"] }]);
  });

  it("answers 404 where no route has the path, or asks the fallback", async () => {
    const response = await client(router([["/a", echo]])).get("/b");
    expect([response.status, response.text()]).toEqual([404, "404 Not Found\n"]);
    const fallback = router([["/a", echo, { methods: ["GET"] }]], { fallback: named("fallback") });
    expect((await client(fallback).get("/b")).text()).toBe("fallback");
    expect((await client(fallback).post("/a")).status).toBe(405);
  });

  it("answers 405 with all the methods of the path", async () => {
    const app = router([
      ["/a", echo, { methods: ["GET"] }],
      ["/:x", echo, { methods: ["POST", "PUT"] }],
      ["/b", echo, { methods: ["DELETE"] }],
    ]);
    const response = await client(app).delete("/a");
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS, POST, PUT"]);
    const head = await client(app).request("HEAD", "/b");
    expect([head.status, head.text(), head.headers.get("allow")]).toEqual([405, "", "DELETE, OPTIONS, POST, PUT"]);
  });

  it("runs GET for HEAD, and a route of its own where there is one", async () => {
    const own: Application = (_, startResponse) => {
      startResponse("200 OK", [
        ["X-Own", "1"],
        ["Content-Type", "text/plain"],
      ]);
      return [];
    };
    const app = router([
      ["/own", own, { methods: ["HEAD"] }],
      ["/own", echo, { methods: ["GET"] }],
      ["/a", echo, { methods: ["GET"] }],
    ]);
    const response = await client(app).request("HEAD", "/a");
    expect([response.status, response.text()]).toEqual([200, ""]);
    expect(response.headers.get("content-length")).toBe(String((await client(app).get("/a")).bytes.length + 1));
    expect((await client(app).request("HEAD", "/own")).headers.get("x-own")).toBe("1");
    expect((await client(app).get("/own")).headers.get("x-own")).toBeUndefined();
    const without = router([["/a", echo, { methods: ["GET"] }]], { automaticHead: false });
    expect((await client(without).request("HEAD", "/a")).status).toBe(405);
  });

  it("answers OPTIONS, of a path and of the whole", async () => {
    const app = router([
      ["/a", echo, { methods: ["GET", "PATCH"] }],
      ["/any", echo],
      ["/own", named("own"), { methods: ["OPTIONS"] }],
    ]);
    const response = await client(app).options("/a");
    expect([response.status, response.text(), response.headers.get("allow")]).toEqual([204, "", "GET, HEAD, OPTIONS, PATCH"]);
    const whole = await client(app).options("*");
    expect([whole.status, whole.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS, PATCH"]);
    expect((await client(app).options("/any")).json()).toMatchObject({ method: "OPTIONS" });
    expect((await client(app).options("/own")).text()).toBe("own");
    expect((await client(app).options("/b")).status).toBe(404);
    const without = router([["/a", echo, { methods: ["GET"] }]], { automaticOptions: false });
    const refused = await client(without).options("/a");
    expect([refused.status, refused.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    expect((await client(without).options("*")).status).toBe(404);
  });

  it("treats a slash at the end as it is told to", async () => {
    const routes = [
      ["/a", named("a"), { methods: ["GET"] }],
      ["/b/", named("b")],
      ["/:x/c", named("c")],
      ["/files/*path", echo],
    ] as const;
    const strict = client(router(routes));
    expect((await strict.get("/a/")).status).toBe(404);
    expect((await strict.get("/b")).status).toBe(404);
    const ignoring = client(router(routes, { trailingSlash: "ignore" }));
    expect((await ignoring.get("/a/")).text()).toBe("a");
    expect((await ignoring.get("/b")).text()).toBe("b");
    expect((await ignoring.post("/a/")).headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect((await ignoring.get("/files/x/")).json()).toMatchObject({ args: [[], { path: ["x", ""] }] });
    const redirecting = client(router(routes, { trailingSlash: "redirect" }));
    const location = async (path: string): Promise<unknown> => {
      const response = await redirecting.get(path);
      return [response.status, response.headers.get("location")];
    };
    expect(await location("/a/?q=1&r=%20")).toEqual([308, "/a?q=1&r=%20"]);
    expect(await location("/b")).toEqual([308, "/b/"]);
    expect(await location("/x%2Fy/c/")).toEqual([308, "/x%2Fy/c"]);
    expect(await location("/nothing/")).toEqual([404, undefined]);
    expect(
      (await client(mount({ "/m": router(routes, { trailingSlash: "redirect" }) })).get("/m/a/")).headers.get("location"),
    ).toBe("/m/a");
  });

  it("redirects to no other host, however the path begins", async () => {
    const app = router(
      [
        ["/*path", echo, { methods: ["POST"] }],
        ["//evil.example", named("x")],
        [/^\/[\\]evil.example$/, named("x")],
      ],
      { trailingSlash: "redirect" },
    );
    expect((await client(app).get("//evil.example/")).status).toBe(405);
    const environ = buildEnviron({ target: "/\\evil.example/" });
    let location = "";
    void app(environ, (_, headers) => {
      location = headers.find(([name]) => name === "Location")?.[1] ?? "";
      return () => {};
    });
    expect(location).toBe("/%5Cevil.example");
  });

  it("takes applications in every form", async () => {
    class Page implements Iterable<Uint8Array> {
      constructor(_: Environ, startResponse: Parameters<Application>[1]) {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
      }
      *[Symbol.iterator](): Generator<Uint8Array> {
        yield Buffer.from("class");
      }
    }
    const object = { call: named("object") };
    const app = router(
      [
        ["/class", Page],
        ["/object", object],
      ],
      { fallback: Page },
    );
    expect((await client(app).get("/class")).text()).toBe("class");
    expect((await client(app).get("/object")).text()).toBe("object");
    expect((await client(app).get("/")).text()).toBe("class");
  });

  it("builds URLs by name, below its prefix and with a query", () => {
    const app = router([
      ["/hello/:name", echo, { name: "hello" }],
      ["/a{/:b}", echo, { name: "a" }],
    ]);
    expect(app.url("hello", { name: "Ada & Co/" })).toBe("/hello/Ada%20&%20Co%2F");
    expect(app.url("a", {}, { environ: { SCRIPT_NAME: "/größe" }, query: { q: "a b" } })).toBe("/gr%C3%B6%C3%9Fe/a?q=a+b");
    expect(() => app.url("nope" as "a", {})).toThrow('no route is called "nope": the names are hello, a');
  });

  it("lets a route have layers of its own", async () => {
    const mark = layer(
      (app) => (environ, startResponse) =>
        app(environ, (status, headers, excInfo) => {
          headers.push(["X-Mark", "1"]);
          return startResponse(status, headers, excInfo);
        }),
    );
    const typed: Application<Environ & RoutingEnviron<"/b/:id">> = (environ, startResponse) =>
      named(environ["wsgiorg.routing_args"][1].id)(environ, startResponse);
    const app = router([
      ["/a", compose(mark)(named("a"))],
      ["/b/:id", compose(mark)(typed)],
    ]);
    const response = await client(app).get("/b/7");
    expect([response.text(), response.headers.get("x-mark")]).toEqual(["7", "1"]);
  });

  it.each<[message: string, wrap: () => unknown]>([
    [
      'route 2 ("/a") is never reached: route 1 ("/a")',
      () =>
        router([
          ["/a", echo],
          ["/a", echo],
        ]),
    ],
    ["does not begin with a slash", () => router([["a", echo]])],
    ["a route begins with a pattern", () => router([[1 as never, echo]])],
    ["an application is", () => router([["/a", null as never]])],
    ["leave it out for any", () => router([["/a", echo, { methods: [] }]])],
    ["write GET", () => router([["/a", echo, { methods: ["get"] }]])],
    ["is no method", () => router([["/a", echo, { methods: ["G T"] }]])],
    ["a name is a text", () => router([["/a", echo, { name: "" }]])],
    ["no path can be made", () => router([[/^a/, echo, { name: "a" }]])],
    [
      "called",
      () =>
        router([
          ["/a", echo, { name: "a" }],
          ["/b", echo, { name: "a" }],
        ]),
    ],
    ["trailingSlash is", () => router([], { trailingSlash: "loose" as never })],
    ["caseSensitive is true or false", () => router([], { caseSensitive: 1 as never })],
    ["an application is", () => router([], { fallback: 1 as never })],
  ])("checks while wrapping: %s", (message, wrap) => {
    expect(wrap).toThrow(TypeError);
    expect(wrap).toThrow(message);
  });

  it("does in the README what the README says", async () => {
    const app = (await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/router": new URL("index.ts", import.meta.url),
    })) as Application;
    const http = client(app);
    expect((await http.get("/hello/Ada%20Lovelace")).text()).toBe("Hello Ada Lovelace\n");
    expect((await http.get("/")).text()).toBe("See /hello/Ada%20Lovelace\n");
    expect((await http.post("/hello/Ada")).headers.get("allow")).toBe("GET, HEAD, OPTIONS");
    expect((await http.get("/shop/cart/7")).text()).toBe("Cart 7 of /shop\n");
    expect((await http.get("/x12")).text()).toBe("Number 12\n");
  });
});
