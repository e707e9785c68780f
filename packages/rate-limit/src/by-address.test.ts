import { buildEnviron } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { byAddress, networkOf } from "./by-address.ts";

describe("byAddress", () => {
  it.each([
    ["192.0.2.1", 64, "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", 64, "2001:db8:1:2:0:0:0:0/64"],
    ["2001:DB8:1:2::", 64, "2001:db8:1:2:0:0:0:0/64"],
    ["2001:db8::1", 64, "2001:db8:0:0:0:0:0:0/64"],
    ["::1", 64, "0:0:0:0:0:0:0:0/64"],
    ["::", 128, "0:0:0:0:0:0:0:0/128"],
    ["2001:db8:1:2345::", 56, "2001:db8:1:2300:0:0:0:0/56"],
    ["2001:db8:1:ffff::", 49, "2001:db8:1:8000:0:0:0:0/49"],
    ["2001:db8:1:2:3:4:5:6", 128, "2001:db8:1:2:3:4:5:6/128"],
    ["8001::", 1, "8000:0:0:0:0:0:0:0/1"],
    ["fe80::1%eth0", 64, "fe80:0:0:0:0:0:0:0/64"],
    ["::ffff:192.0.2.1", 64, "192.0.2.1"],
    ["::FFFF:192.0.2.1", 64, "192.0.2.1"],
    ["::ffff:c000:201", 64, "192.0.2.1"],
    ["0:0:0:0:0:ffff:c000:0201", 64, "192.0.2.1"],
    ["64:ff9b::192.0.2.1", 128, "64:ff9b:0:0:0:0:c000:201/128"],
    ["1:2:3:4:5:6:7", 64, "1:2:3:4:5:6:7"],
    ["1:2:3:4:5:6:7:8:9", 64, "1:2:3:4:5:6:7:8:9"],
    ["1::2::3", 64, "1::2::3"],
    ["1:2:3:4::5:6:7:8", 64, "1:2:3:4::5:6:7:8"],
    ["12345::", 64, "12345::"],
    ["g::", 64, "g::"],
    [":1", 64, ":1"],
    ["", 64, "unknown"],
  ])("takes %s by %i bits for %s", (address, ipv6Bits, key) => {
    expect(networkOf(address, ipv6Bits)).toBe(key);
    expect(byAddress({ ipv6Bits })(buildEnviron({ overrides: { REMOTE_ADDR: address } }))).toBe(key);
  });

  it("takes all clients without an address for one", () => {
    expect(byAddress()(buildEnviron({ overrides: { REMOTE_ADDR: undefined } }))).toBe("unknown");
  });

  it.each([0, 129, 1.5, NaN])("refuses %s bits", (ipv6Bits) => {
    expect(() => byAddress({ ipv6Bits })).toThrow(RangeError);
  });
});
