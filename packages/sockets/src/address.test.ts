import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { listenOptions, parseListening, serverAddress, withoutMapping } from "./address.ts";

describe("parseListening", () => {
  it("reads hosts, paths, descriptors and servers", () => {
    const server = createServer();
    expect(parseListening("localhost", 80)).toEqual({ kind: "tcp", host: "localhost", port: 80 });
    expect(parseListening("[::1]", 0)).toEqual({ kind: "tcp", host: "::1", port: 0 });
    expect(parseListening("", 80)).toEqual({ kind: "tcp", host: "", port: 80 });
    expect(parseListening("unix:/run/a.sock", 0)).toEqual({ kind: "unix", path: "/run/a.sock" });
    expect(parseListening("fd://0", 0)).toEqual({ kind: "fd", fd: 0 });
    expect(parseListening(server, 0)).toEqual({ kind: "server", server });
  });

  it.each([
    ["unix:", "unix: is followed by the path of a socket"],
    ["unix:/a\0b", "unix: is followed by the path of a socket"],
    [`unix:/${"a".repeat(200)}`, "has at most"],
    ["fd://", "fd:// is followed by the number of a descriptor"],
    ["fd://-1", "fd:// is followed by the number of a descriptor"],
    ["localhost:80", "the host has no port in it"],
  ])("refuses %j", (host, message) => {
    expect(() => parseListening(host, 0)).toThrow(message);
  });

  it.each([-1, 65_536, 1.5, Number.NaN])("refuses port %d", (port) => {
    expect(() => parseListening("localhost", port)).toThrow(RangeError);
  });
});

describe("listenOptions", () => {
  it("says what the system is asked for", () => {
    expect(listenOptions({ kind: "tcp", host: "", port: 1 }, 5)).toEqual({ port: 1, backlog: 5 });
    expect(listenOptions({ kind: "tcp", host: "::1", port: 1 }, 5)).toEqual({ host: "::1", port: 1, backlog: 5 });
    expect(listenOptions({ kind: "unix", path: "/a" }, 5)).toEqual({ path: "/a", backlog: 5 });
    expect(listenOptions({ kind: "fd", fd: 3 }, 5)).toEqual({ fd: 3 });
  });
});

describe("addresses", () => {
  it("that came through an IPv6 socket are IPv4 addresses", () => {
    expect(withoutMapping("::ffff:127.0.0.1")).toBe("127.0.0.1");
    expect(withoutMapping("::ffff:0:1")).toBe("::ffff:0:1");
    expect(serverAddress({ address: "::ffff:10.0.0.1", family: "IPv6", port: 5 })).toEqual({
      kind: "tcp",
      host: "10.0.0.1",
      port: 5,
    });
    expect(serverAddress("/run/a")).toEqual({ kind: "unix", path: "/run/a" });
    // A Unix socket that was inherited: Node.js says nothing of its path.
    expect(serverAddress(null)).toEqual({ kind: "unix", path: "" });
  });
});
