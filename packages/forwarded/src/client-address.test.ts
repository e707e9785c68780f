import { BlockList } from "node:net";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ForwardedOptions } from "./index.ts";
import { proxies, seen } from "./test-seen.ts";

describe("forwarded, the address of the client", () => {
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

  it("reads X-Real-IP where it was told to", () => {
    const options: ForwardedOptions = { trust: proxies, headers: ["X-Real-IP"] };
    expect(seen(options, { "X-Real-IP": "192.0.2.1" })).toMatchObject({ REMOTE_ADDR: "192.0.2.1", HTTP_X_REAL_IP: "192.0.2.1" });
    expect(seen(options, { "X-Real-IP": "192.0.2.1, 192.0.2.2" })).toMatchObject({
      REMOTE_ADDR: "10.0.0.1",
      HTTP_X_REAL_IP: undefined,
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
});
