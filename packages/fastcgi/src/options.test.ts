import { describe, expect, it } from "vitest";
import { settingsOf } from "./options.ts";

const options = (json: string): object => JSON.parse(json) as object;

describe("settingsOf", () => {
  it.each([
    ['{"headerByte":1}', TypeError],
    ['{"headerBytes":-1}', RangeError],
    ['{"headerSeconds":"10"}', RangeError],
    ['{"maxRequests":0}', RangeError],
    ['{"multiplex":1}', TypeError],
    ['{"multiprocess":"yes"}', TypeError],
    ['{"mounts":["/a/"]}', TypeError],
    ['{"mounts":"/a"}', TypeError],
    ['{"allowedAddresses":["localhost"]}', TypeError],
  ])("refuses %s", (json, error) => {
    expect(() => settingsOf(options(json), {})).toThrow(error);
  });

  it("takes the allowed addresses from FCGI_WEB_SERVER_ADDRS where none are given", () => {
    const facts = { serverName: "a", serverPort: "1", remoteAddress: "192.0.2.1", remotePort: "1", tls: undefined };
    const environment = { FCGI_WEB_SERVER_ADDRS: "192.0.2.1, 192.0.2.2" };
    expect(settingsOf({}, environment).peers.includes(facts)).toBe(true);
    expect(settingsOf({}, environment).peers.includes({ ...facts, remoteAddress: "192.0.2.3" })).toBe(false);
    expect(settingsOf({ allowedAddresses: ["192.0.2.3"] }, environment).peers.includes(facts)).toBe(false);
    expect(settingsOf({}, { FCGI_WEB_SERVER_ADDRS: "" }).peers.includes(facts)).toBe(true);
    expect(() => settingsOf({}, { FCGI_WEB_SERVER_ADDRS: "nowhere" })).toThrow(TypeError);
  });
});
