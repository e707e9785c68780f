import { CgiServers, gatewayConformance, unseenDepartures } from "@gateway/testing/conformance";
import { afterAll, describe, it } from "vitest";
import { makeClient } from "./client.ts";
import { makeServer } from "./fastcgi-server.ts";

const servers = new CgiServers({
  name: "FastCGI",
  packageName: "@gateway/fastcgi",
  from: new URL(import.meta.url),
  unknownLength: true,
  makeServer,
  makeClient: (connect) => makeClient({ connect }),
});
afterAll(() => servers.stop());

const transports = [
  servers.overTcp(),
  servers.overUnixSocket({ lacks: unseenDepartures }),
  // Here a departure shows by an ABORT_REQUEST, which clients send that share the connection with other requests.
  servers.overUnixSocket({
    name: "FastCGI over a Unix socket, multiplexed",
    makeClient: (connect) => makeClient({ connect, multiplex: 8 }),
  }),
  servers.overTcp({
    name: "FastCGI without FCGI_KEEP_CONN",
    makeClient: (connect) => makeClient({ connect, keepAlive: false }),
  }),
  servers.onDescriptor(),
];
for (const transport of transports) gatewayConformance(transport, { describe, it }, { deadlineMs: 15_000 });
