import { layer, rawPath, type Application } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mount, type MountPoint } from "./index.ts";

const echo =
  (name: string): Application =>
  (environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "application/json"]]);
    return [Buffer.from(JSON.stringify([name, environ.SCRIPT_NAME, environ.PATH_INFO]))];
  };

const get = async (app: Application, path: string, headers: Record<string, string> = {}): Promise<unknown> => {
  const response = await client(validator(app), { cookies: false }).get(path, { headers });
  return response.status === 200 ? response.json() : response.status;
};

describe("mount", () => {
  it("takes the longest prefix, on whole segments", async () => {
    const app = mount({ "/shop": validator(echo("shop")), "/shop/cart": echo("cart"), "/a/b/c": echo("deep") }, echo("fallback"));
    expect(await get(app, "/shop")).toEqual(["shop", "/shop", ""]);
    expect(await get(app, "/shop/")).toEqual(["shop", "/shop", "/"]);
    expect(await get(app, "/shop/cart/7?x")).toEqual(["cart", "/shop/cart", "/7"]);
    expect(await get(app, "/shop/carts")).toEqual(["shop", "/shop", "/carts"]);
    expect(await get(app, "/shopping")).toEqual(["fallback", "", "/shopping"]);
    expect(await get(app, "/a/b")).toEqual(["fallback", "", "/a/b"]);
    expect(await get(app, "/a/b/c/d")).toEqual(["deep", "/a/b/c", "/d"]);
    expect(await get(app, "/a//b/c")).toEqual(["fallback", "", "/a//b/c"]);
    expect(await get(mount({ "/a": echo("a") }), "/b")).toBe(404);
  });

  it("takes a %2F for no border of a segment, and keeps rawPath true", async () => {
    const raw: Application = (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "application/json"]]);
      return [Buffer.from(JSON.stringify([environ.SCRIPT_NAME, environ.PATH_INFO, rawPath(environ)]))];
    };
    const app = mount({ "/größe": raw }, echo("fallback"));
    expect(await get(app, "/gr%C3%B6%C3%9Fe/a%2Fb")).toEqual(["/größe", "/a/b", "/gr%C3%B6%C3%9Fe/a%2Fb"]);
    expect(await get(app, "/gr%C3%B6%C3%9Fe%2Fa")).toEqual(["fallback", "", "/größe/a"]);
    // A front server that decoded the path before it arrived: the slashes are all that is known.
    const response = await client(app).get("/größe/a", { environ: { REQUEST_URI: "/other%2Fpath" } });
    expect(response.json()).toEqual(["/größe", "/a", null]);
  });

  it("nests, below a prefix of its own", async () => {
    const app = mount({ "/a": mount({ "/b": echo("ab"), "/a": echo("aa") }, echo("a")) });
    expect(await get(app, "/a/b/c")).toEqual(["ab", "/a/b", "/c"]);
    expect(await get(app, "/a/a")).toEqual(["aa", "/a/a", ""]);
    expect(await get(app, "/a/x")).toEqual(["a", "/a", "/x"]);
    const response = await client(app).get("/m/a/b", { environ: { SCRIPT_NAME: "/m" } });
    expect(response.json()).toEqual(["ab", "/m/a/b", ""]);
  });

  it("leaves the environ outside as it was, at any time, and the one inside too", async () => {
    const seen: unknown[] = [];
    const outside = layer((app) => async (environ, startResponse) => {
      const look = (when: string) => seen.push([when, environ.SCRIPT_NAME, environ.PATH_INFO]);
      look("before");
      environ["gateway.exchange"].onEnd(() => look("at the end"));
      const body = await app(environ, (status, headers, excInfo) => {
        look("at the head");
        return startResponse(status, headers, excInfo);
      });
      look("after");
      return body;
    });
    const late: Application = async function* (environ, startResponse) {
      await Promise.resolve();
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from(environ.SCRIPT_NAME);
      await new Promise((resolve) => setImmediate(resolve));
      yield Buffer.from(environ.PATH_INFO);
    };
    const app = validator(outside(validator(mount({ "/a": mount({ "/b": validator(late) }) }))));
    expect((await client(app).get("/a/b/c")).text()).toBe("/a/b/c");
    expect(seen).toEqual([
      ["before", "", "/a/b/c"],
      ["after", "", "/a/b/c"],
      ["at the head", "", "/a/b/c"],
      ["at the end", "", "/a/b/c"],
    ]);
  });

  it("leaves it as it was where the application throws", () => {
    const app = mount({
      "/a": () => {
        throw new Error("no");
      },
    });
    const environ = buildEnviron({ target: "/a/b" });
    expect(() => app(environ, () => () => {})).toThrow("no");
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual(["", "/a/b"]);
  });

  it("hands on what outer layers added, exchange and input included", () => {
    const environ = buildEnviron({ target: "/a/b", overrides: { "test.key": {} } });
    let inner: unknown;
    void mount({
      "/a": (given) => {
        inner = given;
        return [];
      },
    })(environ, () => () => {});
    expect(inner).toEqual({ ...environ, SCRIPT_NAME: "/a", PATH_INFO: "/b" });
  });

  it("stays synchronous, and hands on the very body", () => {
    const body = [Buffer.from("x")];
    expect(mount({ "/a": () => body })(buildEnviron({ target: "/a" }), () => () => {})).toBe(body);
  });

  it("mounts by host, the most particular first", async () => {
    const app = mount(
      [
        ["//a.example/x", echo("a/x")],
        [{ host: "A.example." }, echo("a")],
        ["//a.example:8080", echo("a:8080")],
        ["//*.example", echo("*")],
        ["//*.b.example/x", echo("*.b/x")],
        ["//[::1]:81/", echo("v6")],
        ["/x", echo("x")],
      ],
      echo("fallback"),
    );
    const by = (host: string, path: string): Promise<unknown> => get(app, path, { Host: host });
    expect(await by("a.example", "/x/y")).toEqual(["a/x", "/x", "/y"]);
    expect(await by("A.EXAMPLE.", "/y")).toEqual(["a", "", "/y"]);
    expect(await by("a.example:81", "/y")).toEqual(["a", "", "/y"]);
    expect(await by("a.example:8080", "/x")).toEqual(["a:8080", "", "/x"]);
    expect(await by("c.b.example", "/x")).toEqual(["*.b/x", "/x", ""]);
    expect(await by("c.b.example", "/y")).toEqual(["*", "", "/y"]);
    expect(await by(".example", "/y")).toEqual(["fallback", "", "/y"]);
    expect(await by("[::1]:81", "/y")).toEqual(["v6", "", "/y"]);
    expect(await by("other.test", "/x")).toEqual(["x", "/x", ""]);
    expect(await by("other.test", "/y")).toEqual(["fallback", "", "/y"]);
    const bare = await client(app).get("/y", { environ: { HTTP_HOST: undefined, SERVER_NAME: "a.example" } });
    expect(bare.json()).toEqual(["a", "", "/y"]);
    // A port that is the scheme's own may be left out.
    const https = mount({ "//a.example:443": echo("443") });
    expect((await client(https, { cookies: false, origin: "https://a.example" }).get("/")).json()).toEqual(["443", "", "/"]);
    expect((await client(https, { cookies: false, origin: "http://a.example" }).get("/")).status).toBe(404);
  });

  it("gives OPTIONS * to who is mounted at the root only", async () => {
    expect((await client(mount({ "/": echo("root"), "/a": echo("a") })).options("*")).json()).toEqual(["root", "", "*"]);
    expect((await client(mount({ "/a": echo("a") })).options("*")).status).toBe(404);
  });

  it.each<[string | MountPoint, string]>([
    ["shop", "does not begin with a slash"],
    ["/shop/", "whole segments"],
    ["/a//b", "whole segments"],
    ["/a/../b", "whole segments"],
    ["/caf%C3%A9", "write it decoded"],
    ["//", "no host"],
    ["//a b/x", "no host"],
    ["//*.a:80", "which *.example does not take"],
    [{ path: "x" }, "does not begin with a slash"],
    [{ host: "http://a" }, "no host"],
  ])("refuses %j, and says why", (point, message) => {
    expect(() => mount([[point, echo("")]])).toThrow(TypeError);
    expect(() => mount([[point, echo("")]])).toThrow(message);
  });

  it("refuses two applications at one place, and what is no application", () => {
    expect(() =>
      mount([
        ["/a", echo("1")],
        ["/a", echo("2")],
      ]),
    ).toThrow('two applications are mounted at "/a"');
    expect(() =>
      mount([
        ["/", echo("1")],
        ["", echo("2")],
      ]),
    ).toThrow("two applications");
    expect(() => mount({ "/a": 1 as never })).toThrow("an application is");
    expect(() => mount({}, 1 as never)).toThrow("an application is");
  });

  it("finds what trying every prefix finds, and keeps the path together", () => {
    const path = fc
      .array(fc.constantFrom("a", "b", "", "c%2Fa", "%61", "a%2f", "é"), { maxLength: 5 })
      .map((parts) => `/${parts.map((part) => encodeURI(part).replaceAll("%25", "%")).join("/")}`);
    const prefix = fc
      .array(fc.constantFrom("a", "b", "é", "c/a"), { minLength: 1, maxLength: 3 })
      .map((parts) => `/${parts.join("/")}`);
    fc.assert(
      fc.property(fc.uniqueArray(prefix, { maxLength: 8 }), path, (prefixes, target) => {
        const environ = buildEnviron({ target });
        let found: { SCRIPT_NAME: string; PATH_INFO: string } | undefined;
        const app: Application = (given) => {
          found = given;
          return [];
        };
        void mount(prefixes.map((prefix) => [prefix, app] as const))(environ, () => () => {});
        const segments = target.split("/").slice(1).map(decodeURIComponent);
        const expected = prefixes
          .filter((prefix) =>
            prefix
              .split("/")
              .slice(1)
              .every((segment, i) => segments[i] === segment),
          )
          .toSorted((one, other) => other.length - one.length)[0];
        expect(found?.SCRIPT_NAME).toBe(expected);
        if (found !== undefined) expect(found.SCRIPT_NAME + found.PATH_INFO).toBe(environ.PATH_INFO);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });
});
