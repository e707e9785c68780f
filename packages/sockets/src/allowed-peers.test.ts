import { describe, expect, it } from "vitest";
import { allowedPeers } from "./allowed-peers.ts";

const facts = { serverName: "a", serverPort: "1", tls: undefined };
const from = (remoteAddress: string): typeof facts & { remoteAddress: string; remotePort: string } => ({
  ...facts,
  remoteAddress,
  remotePort: "1",
});

describe("allowedPeers", () => {
  it("allows addresses and networks of both families, and nobody else", () => {
    const peers = allowedPeers(["127.0.0.1", "10.0.0.0/8", "::1", "fd00::/8"]);
    for (const address of ["127.0.0.1", "10.9.8.7", "::1", "fd12::3"]) expect(peers.includes(from(address))).toBe(true);
    for (const address of ["127.0.0.2", "11.0.0.1", "::2", "fe80::1", ""]) expect(peers.includes(from(address))).toBe(false);
  });

  it("allows all without a list, none with an empty one, and Unix sockets always", () => {
    expect(allowedPeers(undefined).includes(from("192.0.2.1"))).toBe(true);
    expect(allowedPeers([]).includes(from("127.0.0.1"))).toBe(false);
    expect(allowedPeers([]).includes({ ...facts, remoteAddress: "", remotePort: undefined })).toBe(true);
  });

  it.each(["", "localhost", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.0/8/8", "::/129", 7])("refuses %j", (address) => {
    expect(() => allowedPeers([address as string])).toThrow(TypeError);
  });

  it("refuses what is no array", () => {
    expect(() => allowedPeers(JSON.parse('"127.0.0.1"'))).toThrow(TypeError);
  });
});
