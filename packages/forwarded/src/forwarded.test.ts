import { compose, layer, onClose, type Application } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { forwarded, type ForwardedOptions } from "./index.ts";
import { every, proxies, seen } from "./test-seen.ts";

describe("forwarded", () => {
  it("believes nobody until it is told to, and removes what was said", () => {
    const headers = {
      Forwarded: "for=192.0.2.1;proto=https",
      "X-Forwarded-For": "192.0.2.1",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "evil.example",
      "X-Forwarded-Port": "1",
      "X-Forwarded-Prefix": "/evil",
      "X-Forwarded-Server": "evil",
      "X-Forwarded-Scheme": "https",
      "X-Forwarded-Ssl": "on",
      "X-Forwarded-By": "evil",
      "X-Real-IP": "192.0.2.1",
    };
    const environ = seen({ headers: every }, headers);
    expect(Object.keys(environ).filter((key) => /FORWARDED|REAL_IP/.test(key) && environ[key as "HTTP_X"] !== undefined)).toEqual(
      [],
    );
    expect(environ).toMatchObject({ REMOTE_ADDR: "10.0.0.1", "wsgi.url_scheme": "http", HTTP_HOST: "localhost", SCRIPT_NAME: "" });
    const said = environ["gateway.forwarded"];
    expect([said?.isTrusted, said?.client]).toEqual([false, undefined]);
    expect(said?.original).toEqual(
      Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [`HTTP_${name.toUpperCase().replaceAll("-", "_")}`, value]),
      ),
    );
  });

  it("adds nothing where no such header came", () => {
    const environ = buildEnviron();
    const before = { ...environ };
    const app: Application = (given) => {
      expect(given).toBe(environ);
      return [];
    };
    void forwarded({ trust: proxies })(app)(environ, () => () => {});
    expect(environ).toEqual(before);
    expect(Object.keys(environ)).toEqual(Object.keys(before));
  });

  it("trusts no peer that is not listed, or not known", () => {
    for (const REMOTE_ADDR of ["192.0.2.7", "", undefined, "nonsense", "11.0.0.1", "fc00::1"]) {
      const environ = seen({ trust: proxies }, { "X-Forwarded-For": "192.0.2.1" }, { REMOTE_ADDR });
      expect([environ.REMOTE_ADDR, environ["gateway.forwarded"]?.isTrusted]).toEqual([REMOTE_ADDR, false]);
    }
    expect(seen({ trust: 0 }, { "X-Forwarded-For": "192.0.2.1" }).REMOTE_ADDR).toBe("10.0.0.1");
    // A zone is of this machine, and an address has no less trust for it.
    expect(seen({ trust: ["fe80::/10"] }, { "X-Forwarded-For": "192.0.2.1" }, { REMOTE_ADDR: "fe80::1%eth0" }).REMOTE_ADDR).toBe(
      "192.0.2.1",
    );
  });

  it("reads only the headers it was told to", () => {
    const headers = {
      "X-Forwarded-For": "192.0.2.1",
      "X-Forwarded-Host": "evil.example",
      "X-Forwarded-Prefix": "/evil",
      "X-Forwarded-Port": "81",
      Forwarded: "host=evil.example",
      "X-Real-IP": "192.0.2.9",
    };
    const environ = seen({ trust: proxies }, headers);
    expect(environ).toMatchObject({ REMOTE_ADDR: "192.0.2.1", HTTP_HOST: "localhost", SERVER_PORT: "80", SCRIPT_NAME: "" });
    expect([
      environ.HTTP_X_FORWARDED_HOST,
      environ.HTTP_X_FORWARDED_PREFIX,
      environ.HTTP_X_FORWARDED_PORT,
      environ.HTTP_FORWARDED,
      environ.HTTP_X_REAL_IP,
    ]).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  it("reads Forwarded, from the right", () => {
    const options: ForwardedOptions = { trust: proxies, headers: ["Forwarded", "X-Forwarded-Prefix"] };
    const value =
      'for=198.51.100.9;host=evil.example;proto=http, for="[2001:db8::1]:4711";proto=https;host="a.example:8443";by=_edge, for=10.0.0.2;host=inner';
    const environ = seen(options, {
      Forwarded: value,
      "X-Forwarded-Prefix": "/spoofed, /outer, /inner",
      "X-Forwarded-For": "198.51.100.9",
    });
    expect(environ).toMatchObject({
      REMOTE_ADDR: "2001:db8::1",
      REMOTE_PORT: "4711",
      "wsgi.url_scheme": "https",
      HTTPS: "on",
      HTTP_HOST: "a.example:8443",
      SERVER_NAME: "a.example",
      SERVER_PORT: "8443",
      SCRIPT_NAME: "/outer",
      HTTP_X_FORWARDED_FOR: undefined,
      HTTP_FORWARDED: value.slice(value.indexOf('for="[')),
    });
  });

  it("takes nothing of a Forwarded that is malformed anywhere", () => {
    for (const value of ['for="192.0.2.1, for=192.0.2.2', "nonsense, for=192.0.2.2", "for=192.0.2.2;proto=https;host=a/b"]) {
      const environ = seen({ trust: proxies, headers: ["Forwarded"] }, { Forwarded: value });
      expect([environ.REMOTE_ADDR, environ["wsgi.url_scheme"], environ.HTTP_FORWARDED]).toEqual(["10.0.0.1", "http", undefined]);
    }
  });

  it("hands on every kind of answer as it is, and stays synchronous", async () => {
    const body = [Buffer.from("x")];
    const sync: Application = (_, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return body;
    };
    expect(forwarded({ trust: 1 })(sync)(buildEnviron({ headers: [["X-Forwarded-For", "192.0.2.1"]] }), () => () => {})).toBe(body);
    let closed = 0;
    const late: Application = (_, startResponse) =>
      onClose(
        (async function* () {
          await Promise.resolve();
          startResponse("200 OK", [["Content-Type", "text/plain"]]);
          yield Buffer.from("la");
          yield Buffer.from("te");
        })(),
        () => void closed++,
      );
    const both = validator(forwarded({ trust: 1 })(validator(late)));
    expect((await client(both).get("/", { headers: { "X-Forwarded-For": "192.0.2.1" } })).text()).toBe("late");
    expect((await client(both).request("HEAD", "/")).status).toBe(200);
    const left = await client(both).open("GET", "/");
    left.abort();
    expect((await left.finished).outcome).toBe("gone");
    expect(closed).toBe(3);
    const broken = validator(
      forwarded()(
        validator(() => {
          throw new Error("no");
        }),
      ),
    );
    expect((await client(broken).get("/", { errors: "expected" })).status).toBe(500);
  });

  it("stands outside what reads the address", async () => {
    const guard = layer((app) => (environ, startResponse) => {
      expect(environ.REMOTE_ADDR).toBe("192.0.2.1");
      return app(environ, startResponse);
    });
    const app = compose(
      forwarded({ trust: ["127.0.0.1"] }),
      guard,
    )((_, startResponse) => {
      startResponse("204 No Content", []);
      return [];
    });
    expect((await client(app).get("/", { headers: { "X-Forwarded-For": "192.0.2.1" } })).status).toBe(204);
  });
});

describe("the options of forwarded", () => {
  it.each<[message: string, options: ForwardedOptions]>([
    ["is no address", { trust: ["a.example"] }],
    ["is no address", { trust: [""] }],
    ["is no address", { trust: ["10.0.0"] }],
    ["has a prefix length that is none", { trust: ["10.0.0.0/33"] }],
    ["has a prefix length that is none", { trust: ["10.0.0.0/"] }],
    ["has a prefix length that is none", { trust: ["fd00::/129"] }],
    ["write it as IPv4", { trust: ["::ffff:10.0.0.0/104"] }],
    ["is no text", { trust: [1 as never] }],
    ["a list of addresses", { trust: "10.0.0.0/8" as never }],
    ["a list of addresses", { trust: true as never }],
    ["is none of Forwarded", { headers: ["X-Client-IP" as never] }],
    ["there is no option trusted: there are trust, headers", { trusted: ["10.0.0.0/8"] } as object],
    ["is a list of header names", { headers: "Forwarded" as never }],
    ["read Forwarded or the X- headers", { headers: ["Forwarded", "X-Forwarded-For"] }],
    ["read X-Real-IP or X-Forwarded-For", { headers: ["X-Real-IP", "X-Forwarded-For"] }],
  ])("checks while wrapping: %s, %j", (message, options) => {
    expect(() => forwarded(options)).toThrow(TypeError);
    expect(() => forwarded(options)).toThrow(message);
  });

  it("refuses a number of proxies that is none", () => {
    for (const trust of [-1, 1.5, NaN]) expect(() => forwarded({ trust })).toThrow(RangeError);
  });
});
