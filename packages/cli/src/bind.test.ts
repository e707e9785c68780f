import { describe, expect, it } from "vitest";
import { listenFailure, parseBind, parsePort, readableAddress } from "./bind.ts";

describe("parseBind", () => {
  it.each([
    ["127.0.0.1:8000", { host: "127.0.0.1", port: 8000 }],
    ["localhost:0", { host: "localhost", port: 0 }],
    ["my-host.example:65535", { host: "my-host.example", port: 65_535 }],
    [":8000", { host: "", port: 8000 }],
    ["[::1]:8000", { host: "[::1]", port: 8000 }],
    ["[::]:80", { host: "[::]", port: 80 }],
    ["[fe80::1%eth0]:80", { host: "[fe80::1%eth0]", port: 80 }],
    ["unix:/run/app.sock", { host: "unix:/run/app.sock", port: 0 }],
    ["unix:app:1.sock", { host: "unix:app:1.sock", port: 0 }],
    ["fd://3", { host: "fd://3", port: 0 }],
  ])("reads %s", (text, expected) => {
    expect(parseBind(text)).toEqual({ ...expected, text });
  });

  it.each([
    ["", "a port is missing: 127.0.0.1:8000"],
    ["localhost", "a port is missing: localhost:8000"],
    ["8000", "a host is missing: 127.0.0.1:8000, or :8000 for all interfaces"],
    ["localhost:", '"" is not a port (0 to 65535)'],
    ["localhost:http", '"http" is not a port (0 to 65535)'],
    ["localhost:-1", '"-1" is not a port (0 to 65535)'],
    ["localhost:65536", '"65536" is not a port (0 to 65535)'],
    ["localhost:8e3", '"8e3" is not a port (0 to 65535)'],
    ["::1:8000", "an IPv6 address stands in brackets: [::1]:8000"],
    ["[127.0.0.1]:8000", '"[127.0.0.1]" is not a host name or address'],
    ["http://localhost:8000", '"http://localhost" is not a host name or address'],
    ["a b:8000", '"a b" is not a host name or address'],
    ["*:8000", '"*" is not a host name or address'],
    ["unix:", "unix: is followed by a path"],
    [`unix:/${"é".repeat(60)}`, "the path of a Unix socket has at most 107 bytes"],
    ["fd://", "a descriptor is written fd://3"],
    ["fd:3", "a descriptor is written fd://3"],
    ["fd://-1", "a descriptor is written fd://3"],
  ])("refuses %s", (text, reason) => {
    expect(() => parseBind(text)).toThrow(`cannot bind ${JSON.stringify(text)}: ${reason}`);
  });
});

describe("parsePort", () => {
  it.each(["", " 80", "0x50", "１", "999999"])("takes digits only, not %j", (text) => {
    expect(parsePort(text)).toBeUndefined();
  });
});

describe("readableAddress", () => {
  it.each([
    [{ kind: "tcp", host: "127.0.0.1", port: 8000 }, "http://127.0.0.1:8000"],
    [{ kind: "tcp", host: "::1", port: 8000 }, "http://[::1]:8000"],
    [{ kind: "tcp", host: "::", port: 80 }, "http://127.0.0.1:80 and all other addresses of this machine"],
    [{ kind: "tcp", host: "0.0.0.0", port: 80 }, "http://127.0.0.1:80 and all other addresses of this machine"],
    [{ kind: "unix", path: "/run/app.sock" }, "unix:/run/app.sock"],
  ] as const)("names something that can be opened for %j", (address, expected) => {
    expect(readableAddress(address, "http")).toBe(expected);
  });

  it("names the protocol where it is not HTTP, and no URL", () => {
    expect(readableAddress({ kind: "tcp", host: "::1", port: 9000 }, "fastcgi")).toBe("[::1]:9000 for fastcgi");
    expect(readableAddress({ kind: "unix", path: "/run/app.sock" }, "scgi")).toBe("unix:/run/app.sock for scgi");
  });
});

describe("listenFailure", () => {
  const failure = (text: string, code: string): string =>
    listenFailure(parseBind(text), Object.assign(new Error("listen: no"), { code }));

  it("says what to do for the usual reasons", () => {
    expect(failure("localhost:80", "EADDRINUSE")).toMatch(
      /^cannot listen on localhost:80: it is in use already: .* with --bind \(EADDRINUSE\)$/,
    );
    expect(listenFailure(parseBind(":80"), Object.assign(new Error("no"), { code: "EADDRINUSE" }), "--metrics-bind")).toMatch(
      / with --metrics-bind \(EADDRINUSE\)$/,
    );
    expect(failure("localhost:80", "EACCES")).toMatch(/^cannot listen on localhost:80: no permission: .*\(EACCES\)$/);
    expect(failure("unix:/x/y", "EACCES")).toMatch(/^cannot listen on unix:\/x\/y: its folder does not exist, .*\(EACCES\)$/);
  });

  it("hands on what the system says of others", () => {
    expect(failure("localhost:80", "EMFILE")).toBe("cannot listen on localhost:80: listen: no");
    expect(listenFailure(parseBind(":80"), "odd")).toBe("cannot listen on :80: odd");
  });
});
