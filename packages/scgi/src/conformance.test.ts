import { CgiServers, gatewayConformance, unseenDepartures, unseenTruncations } from "@gateway/testing/conformance";
import { afterAll, describe, it } from "vitest";
import { makeClient } from "./client.ts";
import { makeServer } from "./scgi-server.ts";

const servers = new CgiServers({
  name: "SCGI",
  packageName: "@gateway/scgi",
  from: new URL(import.meta.url),
  unknownLength: false,
  makeServer,
  makeClient: (connect) => makeClient({ connect }),
});
afterAll(() => servers.stop());

// What the protocol cannot carry.
const lacks = {
  "fails to read a chunked body that was cut short": "a request has a length: what has come of it is all",
  "gives no type and no length of a body that there is not": "CONTENT_LENGTH is always there",
  "refuses a NUL in the path": "a NUL ends a variable",
};

const transports = [
  servers.overTcp({ lacks }),
  servers.overUnixSocket({ lacks: { ...lacks, ...unseenDepartures, ...unseenTruncations } }),
  servers.onDescriptor({ lacks }),
];
for (const transport of transports) gatewayConformance(transport, { describe, it }, { deadlineMs: 15_000 });
