import { BlockList } from "node:net";
import { applicationUri, compose, layer, onClose, rawPath, requestUri, type Application, type Environ } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { forwarded, type ForwardedEnviron, type ForwardedOptions, type ForwardingHeader } from "./index.ts";
import { importExample } from "@gateway/testing/readme";

const every: readonly ForwardingHeader[] = [
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
];
const proxies = ["10.0.0.0/8", "fd00::/8"];

/** The environ that an application behind the layer sees, the validator on both sides. */
function seen(
  options: ForwardedOptions,
  headers: Record<string, string>,
  overrides: Partial<Environ> = {},
  target = "/a",
): Environ & ForwardedEnviron {
  let inner: (Environ & ForwardedEnviron) | undefined;
  const app: Application<Environ & ForwardedEnviron> = (environ, startResponse) => {
    inner = environ;
    startResponse("204 No Content", []);
    return [];
  };
  const environ = buildEnviron({ target, headers: Object.entries(headers), overrides: { REMOTE_ADDR: "10.0.0.1", ...overrides } });
  const body = validator(forwarded(options)(validator(app)))(environ, () => () => {}) as readonly Uint8Array[] & { close?(): void };
  expect([...body]).toEqual([]);
  body.close?.();
  if (inner === undefined) throw new Error("the application was not called");
  return inner;
}

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

  it.each([
    ["one proxy", proxies, "192.0.2.1", "10.0.0.1", "192.0.2.1", "192.0.2.1"],
    ["a spoofed entry", proxies, "198.51.100.9, 192.0.2.1", "10.0.0.1", "192.0.2.1", "192.0.2.1"],
    ["two proxies", proxies, "198.51.100.9,192.0.2.1 ,\t10.0.0.2", "10.0.0.1", "192.0.2.1", "192.0.2.1 ,\t10.0.0.2"],
    ["trusted ones only", proxies, "10.0.0.3, 10.0.0.2", "10.0.0.1", "10.0.0.3", "10.0.0.3, 10.0.0.2"],
    ["nonsense left of the client", proxies, "<script>, unknown, 192.0.2.1", "10.0.0.1", "192.0.2.1", "192.0.2.1"],
    ["IPv6", proxies, "2001:DB8::1, fd00::2", "fd00::1", "2001:db8::1", "2001:DB8::1, fd00::2"],
    [
      "IPv4 in IPv6",
      proxies,
      "::ffff:192.0.2.1, ::ffff:10.0.0.2",
      "::ffff:10.0.0.1",
      "192.0.2.1",
      "::ffff:192.0.2.1, ::ffff:10.0.0.2",
    ],
    ["a Unix socket", ["unix"], "192.0.2.1", "", "192.0.2.1", "192.0.2.1"],
    ["one hop", 1, "198.51.100.9, 192.0.2.1", "203.0.113.1", "192.0.2.1", "192.0.2.1"],
    ["two hops", 2, "198.51.100.9, 192.0.2.1, 203.0.113.2", "203.0.113.1", "192.0.2.1", "192.0.2.1, 203.0.113.2"],
    ["more hops than entries", 3, "192.0.2.1", "203.0.113.1", "192.0.2.1", "192.0.2.1"],
  ])("finds the client behind %s", (_, trust, value, peer, address, kept) => {
    const environ = seen({ trust }, { "X-Forwarded-For": value }, { REMOTE_ADDR: peer });
    expect([environ.REMOTE_ADDR, environ.REMOTE_PORT, environ.HTTP_X_FORWARDED_FOR]).toEqual([address, undefined, kept]);
    expect(environ["gateway.forwarded"]).toEqual({
      isTrusted: true,
      client: address,
      original: { HTTP_X_FORWARDED_FOR: value, REMOTE_ADDR: peer, REMOTE_PORT: "50000" },
    });
  });

  it("takes a port that comes with the address", () => {
    expect(seen({ trust: proxies }, { "X-Forwarded-For": "192.0.2.1:1234" })).toMatchObject({
      REMOTE_ADDR: "192.0.2.1",
      REMOTE_PORT: "1234",
    });
  });

  it.each([
    "",
    "unknown",
    "192.0.2.1,",
    "192.0.2.1, 10.0.0.2, x",
    "192.0.2.1;10.0.0.2",
    "192.0.2.1 10.0.0.2",
    "_hidden",
    "a.example",
    "192.0.2.1:0",
  ])("takes nothing of X-Forwarded-For where a trusted proxy wrote %j", (value) => {
    const environ = seen({ trust: proxies }, { "X-Forwarded-For": value });
    expect([environ.REMOTE_ADDR, environ.REMOTE_PORT, environ.HTTP_X_FORWARDED_FOR]).toEqual(["10.0.0.1", "50000", undefined]);
    expect(environ["gateway.forwarded"]?.original.HTTP_X_FORWARDED_FOR).toBe(value);
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

  it.each([
    ["https", "https", "on"],
    ["HTTPS", "https", "on"],
    ["http", "http", undefined],
    ["https, http", "http", undefined],
  ])("sets the scheme of %s", (value, scheme, https) => {
    const environ = seen({ trust: proxies }, { "X-Forwarded-Proto": value });
    expect([environ["wsgi.url_scheme"], environ.HTTPS, environ.HTTP_X_FORWARDED_PROTO]).toEqual([scheme, https, scheme]);
  });

  it("takes the scheme that the outermost trusted proxy saw", () => {
    const headers = { "X-Forwarded-For": "192.0.2.1, 10.0.0.2", "X-Forwarded-Proto": "http, https, http" };
    expect(seen({ trust: proxies }, headers)["wsgi.url_scheme"]).toBe("https");
    expect(seen({ trust: proxies }, { ...headers, "X-Forwarded-Proto": "https" })["wsgi.url_scheme"]).toBe("https");
    expect(seen({ trust: 2 }, headers)["wsgi.url_scheme"]).toBe("https");
  });

  it.each(["", "ftp", "https;", "httpss", " , "])("takes nothing of the scheme %j", (value) => {
    const environ = seen({ trust: proxies }, { "X-Forwarded-Proto": value });
    expect([environ["wsgi.url_scheme"], environ.HTTP_X_FORWARDED_PROTO]).toEqual(["http", undefined]);
  });

  it.each<[Record<string, string>, { host: string | undefined; name: string; port: string; uri: string }]>([
    [{ "X-Forwarded-Host": "a.example" }, { host: "a.example", name: "a.example", port: "80", uri: "http://a.example/" }],
    [
      { "X-Forwarded-Host": "a.example:8080" },
      { host: "a.example:8080", name: "a.example", port: "8080", uri: "http://a.example:8080/" },
    ],
    [
      { "X-Forwarded-Host": "a.example", "X-Forwarded-Proto": "https" },
      { host: "a.example", name: "a.example", port: "443", uri: "https://a.example/" },
    ],
    [
      { "X-Forwarded-Host": "a.example:1", "X-Forwarded-Port": "8443", "X-Forwarded-Proto": "https" },
      { host: "a.example:8443", name: "a.example", port: "8443", uri: "https://a.example:8443/" },
    ],
    [
      { "X-Forwarded-Host": "[2001:db8::1]:8080" },
      { host: "[2001:db8::1]:8080", name: "[2001:db8::1]", port: "8080", uri: "http://[2001:db8::1]:8080/" },
    ],
    [{ "X-Forwarded-Port": "8080" }, { host: "localhost:8080", name: "localhost", port: "8080", uri: "http://localhost:8080/" }],
    [
      { "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https" },
      { host: "localhost", name: "localhost", port: "443", uri: "https://localhost/" },
    ],
    [
      { "X-Forwarded-Host": "spoofed.example, a.example" },
      { host: "a.example", name: "a.example", port: "80", uri: "http://a.example/" },
    ],
    [
      { "X-Forwarded-Host": "a.example/x", "X-Forwarded-Port": "x" },
      { host: "localhost", name: "localhost", port: "80", uri: "http://localhost/" },
    ],
    [{ "X-Forwarded-Host": "user@a.example" }, { host: "localhost", name: "localhost", port: "80", uri: "http://localhost/" }],
  ])("sets the host and port of %j", (headers, { host, name, port, uri }) => {
    const environ = seen({ trust: proxies, headers: every }, headers);
    expect([environ.HTTP_HOST, environ.SERVER_NAME, environ.SERVER_PORT, applicationUri(environ)]).toEqual([host, name, port, uri]);
  });

  it("sets the port where the request has no host", () => {
    const environ = seen({ trust: proxies, headers: every }, { "X-Forwarded-Port": "81" }, { HTTP_HOST: undefined });
    expect([environ.HTTP_HOST, environ.SERVER_PORT]).toEqual([undefined, "81"]);
  });

  it("puts back the prefix that a proxy took off, into the target too", () => {
    const environ = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/gr%C3%B6%C3%9Fe/b/" }, {}, "/a%2Fb?x=/");
    expect([environ.SCRIPT_NAME, environ.PATH_INFO, environ.REQUEST_URI]).toEqual([
      "/größe/b",
      "/a/b",
      "/gr%C3%B6%C3%9Fe/b/a%2Fb?x=/",
    ]);
    expect(rawPath(environ)).toBe("/gr%C3%B6%C3%9Fe/b/a%2Fb");
    expect(requestUri(environ)).toBe("http://localhost/gr%C3%B6%C3%9Fe/b/a/b?x=/");
    expect(environ["gateway.forwarded"]?.original).toMatchObject({ SCRIPT_NAME: "", REQUEST_URI: "/a%2Fb?x=/" });
    const absolute = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/p" }, {}, "http://localhost/a?");
    expect([absolute.SCRIPT_NAME, absolute.REQUEST_URI]).toEqual(["/p", "/p/a?"]);
    const unknown = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/p" }, { REQUEST_URI: undefined });
    expect([unknown.SCRIPT_NAME, unknown.REQUEST_URI]).toEqual(["/p", undefined]);
    const rewritten = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/p" }, { REQUEST_URI: "/b" });
    expect([rewritten.SCRIPT_NAME, rewritten.REQUEST_URI, rawPath(rewritten)]).toEqual(["/p", "/b", undefined]);
    const root = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": "/" });
    expect([root.SCRIPT_NAME, root.REQUEST_URI]).toEqual(["", "/a"]);
  });

  it.each([
    "",
    "p",
    "//evil.example",
    "/p//q",
    "/p/../q",
    "/p/%2e%2E/q",
    "/p%2Fq",
    "/p%5Cq",
    "/p\\q",
    "/p?x",
    "/p#x",
    "/p q",
    "/p%",
    "/p%00",
    "http://a/b",
    "/é",
  ])("takes nothing of the prefix %j", (value) => {
    const environ = seen({ trust: proxies, headers: every }, { "X-Forwarded-Prefix": value });
    expect([environ.SCRIPT_NAME, environ.REQUEST_URI, environ.HTTP_X_FORWARDED_PREFIX]).toEqual(["", "/a", undefined]);
  });

  it("reads X-Real-IP where it was told to", () => {
    const options: ForwardedOptions = { trust: proxies, headers: ["X-Real-IP"] };
    expect(seen(options, { "X-Real-IP": "192.0.2.1" })).toMatchObject({ REMOTE_ADDR: "192.0.2.1", HTTP_X_REAL_IP: "192.0.2.1" });
    expect(seen(options, { "X-Real-IP": "192.0.2.1, 192.0.2.2" })).toMatchObject({
      REMOTE_ADDR: "10.0.0.1",
      HTTP_X_REAL_IP: undefined,
    });
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

  it("knows no address where Forwarded hides it, and says what it has instead", () => {
    for (const client of ["_hidden", "unknown"]) {
      const environ = seen({ trust: proxies, headers: ["Forwarded"] }, { Forwarded: `for=192.0.2.1, for=${client};proto=https` });
      expect([environ.REMOTE_ADDR, environ.REMOTE_PORT, environ["wsgi.url_scheme"], environ["gateway.forwarded"]?.client]).toEqual([
        undefined,
        undefined,
        "https",
        client,
      ]);
    }
    const environ = seen({ trust: proxies, headers: ["Forwarded"] }, { Forwarded: "for=192.0.2.1, proto=https" });
    expect([environ.REMOTE_ADDR, environ["wsgi.url_scheme"]]).toEqual(["10.0.0.1", "https"]);
  });

  it("takes nothing of a Forwarded that is malformed anywhere", () => {
    for (const value of ['for="192.0.2.1, for=192.0.2.2', "nonsense, for=192.0.2.2", "for=192.0.2.2;proto=https;host=a/b"]) {
      const environ = seen({ trust: proxies, headers: ["Forwarded"] }, { Forwarded: value });
      expect([environ.REMOTE_ADDR, environ["wsgi.url_scheme"], environ.HTTP_FORWARDED]).toEqual(["10.0.0.1", "http", undefined]);
    }
  });

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

  it("finds the client that a plain reading finds, whatever trusted and other addresses there are", () => {
    const trusted = fc.constantFrom("10.1.2.3", "10.255.0.1", "fd00::7", "::ffff:10.9.9.9");
    const stranger = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("11.0.0.1", "9.255.255.255", "fe00::1"));
    const list = fc.array(fc.oneof({ weight: 3, arbitrary: trusted }, { weight: 1, arbitrary: stranger }), {
      minLength: 1,
      maxLength: 8,
    });
    const known = new BlockList();
    known.addSubnet("10.0.0.0", 8);
    known.addSubnet("fd00::", 8, "ipv6");
    const isTrusted = (address: string): boolean => known.check(address, address.includes(":") ? "ipv6" : "ipv4");
    const canonical = (address: string): string =>
      address.includes(":")
        ? new URL(`http://[${address}]`).hostname
            .slice(1, -1)
            .replace(/^::ffff:([\da-f]+):([\da-f]+)$/, (_, high: string, low: string) => {
              const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
              return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
            })
        : address;
    fc.assert(
      fc.property(list, trusted, fc.boolean(), (addresses, peer, isForwarded) => {
        const expected = addresses.findLast((address) => !isTrusted(address)) ?? addresses[0] ?? "";
        const headers: Record<string, string> = isForwarded
          ? { Forwarded: addresses.map((address) => `for="${address.includes(":") ? `[${address}]` : address}"`).join(", ") }
          : { "X-Forwarded-For": addresses.join(", ") };
        const environ = seen({ trust: proxies, ...(isForwarded ? { headers: ["Forwarded"] } : {}) }, headers, {
          REMOTE_ADDR: peer,
        });
        // Other spellings of the same address: `::7f00:1` is `::127.0.0.1` for the system.
        expect(canonical(environ.REMOTE_ADDR ?? "")).toBe(canonical(expected));
      }),
      { seed: 1, numRuns: 2000 },
    );
  });

  it("never throws, and gives an environ that keeps the rules, whatever the headers are", () => {
    const hostile = fc.oneof(
      fc.string({
        unit: fc
          .integer({ min: 0x20, max: 0xff })
          .filter((code) => code !== 0x7f)
          .map((code) => String.fromCharCode(code)),
        maxLength: 60,
      }),
      fc.string({
        unit: fc.constantFrom(
          ",",
          ";",
          '"',
          "\\",
          "=",
          "[",
          "]",
          ":",
          ".",
          "1",
          "f",
          "for",
          "proto=https",
          "host=",
          "/",
          "%",
          "2e",
          " ",
          "\t",
          "_",
          "10.0.0.1",
        ),
        maxLength: 30,
      }),
      fc.constantFrom(
        ",".repeat(5000),
        '"'.repeat(5000),
        "\\".repeat(5000),
        `for="${"\\a".repeat(5000)}`,
        "10.0.0.1,".repeat(1000),
        "/a".repeat(2000),
        "_".repeat(5000),
        "1".repeat(5000),
      ),
    );
    const names = [...every, "Forwarded", "X-Real-IP"] as const;
    const sets: readonly (readonly ForwardingHeader[])[] = [
      every,
      ["Forwarded", "X-Forwarded-Prefix"],
      ["X-Real-IP", "X-Forwarded-Proto"],
      [],
    ];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...names), hostile), { maxLength: 5 }),
        fc.constantFrom(...sets),
        fc.constantFrom<ForwardedOptions["trust"]>(proxies, 1, 3, []),
        (headers, reads, trust) => {
          const environ = seen({ headers: reads, ...(trust === undefined ? {} : { trust }) }, Object.fromEntries(headers));
          // What is built of it is a URL.
          expect(() => new URL(requestUri(environ))).not.toThrow();
          expect(environ.SCRIPT_NAME).toMatch(/^$|^\/[^/]/);
        },
      ),
      { seed: 1, numRuns: process.env["GATEWAY_LONG"] === "1" ? 50_000 : 5000 },
    );
  }, 300_000);

  it("does in the README what the README says", async () => {
    const app = (await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/forwarded": new URL("index.ts", import.meta.url),
    })) as Application;
    const headers = { "X-Forwarded-For": "198.51.100.9, 192.0.2.1", "X-Forwarded-Proto": "https" };
    expect((await client(app).get("/", { headers, environ: { REMOTE_ADDR: "10.0.0.7" } })).text()).toBe("192.0.2.1 by https\n");
    expect((await client(app).get("/", { headers, environ: { REMOTE_ADDR: "192.0.2.5" } })).text()).toBe("192.0.2.5 by http\n");
  });
});
