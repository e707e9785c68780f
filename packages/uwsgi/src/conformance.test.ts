import { CgiServers, gatewayConformance, unseenDepartures, unseenTruncations } from "@gateway/testing/conformance";
import { afterAll, describe, it } from "vitest";
import { makeClient } from "./client.ts";
import { makeServer } from "./uwsgi-server.ts";

const servers = new CgiServers({
  name: "uwsgi",
  packageName: "@gateway/uwsgi",
  from: new URL(import.meta.url),
  unknownLength: false,
  makeServer,
  makeClient: (connect) => makeClient({ connect }),
});
afterAll(() => servers.stop());

// What the protocol cannot carry.
const lacks = {
  "fails to read a chunked body that was cut short": "a request has a length: what has come of it is all",
};

const transports = [
  servers.overTcp({ lacks }),
  servers.overUnixSocket({ lacks: { ...lacks, ...unseenDepartures, ...unseenTruncations } }),
  servers.onDescriptor({ lacks }),
];
for (const transport of transports) gatewayConformance(transport, { describe, it }, { deadlineMs: 15_000 });
