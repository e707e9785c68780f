import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { HeaderList } from "@gateway/core";
import type { ConformanceResponse, Listening, RunningTransport } from "@gateway/testing/conformance";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromFetch } from "./from-fetch.ts";
import { useLightObjects } from "./light.ts";
import { frameworks } from "./test-frameworks.ts";
import { comparedRequests } from "./test-requests.ts";
import { clientOf, servers } from "./test-servers.ts";

async function listen(listener: RequestListener): Promise<Listening> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    connect: { port: (server.address() as AddressInfo).port },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const framing = new Set(["date", "content-length", "transfer-encoding", "connection", "keep-alive"]);

/** All of a response but its date, and what frames it. The names of `Headers` have no case, and no order but that of equal ones. */
function seen(response: ConformanceResponse | undefined, isLoose: boolean): unknown {
  if (response === undefined) return "no response";
  const headers: HeaderList = response.headers
    .map(([name, value]): [string, string] => [name.toLowerCase(), isLoose ? value.replace("; charset", ";charset") : value])
    .filter(([name]) => !framing.has(name))
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const status = isLoose ? response.status.slice(0, 3) : response.status;
  const body = Buffer.from(response.body).toString("latin1");
  // A response that breaks off may do so anywhere.
  return response.truncated ? { status, headers, truncated: true } : { status, headers, body };
}

describe.each(servers)("fromFetch on $name", ({ serve }) => {
  describe.each(frameworks)("of $name", ({ own: listener, given, isLoose = false }) => {
    let own: RunningTransport;
    let ours: RunningTransport;
    beforeAll(async () => {
      own = await clientOf(await listen(listener));
      ours = await serve(fromFetch(given));
    });
    afterAll(async () => {
      await own.stop();
      await ours.stop();
    });

    it.each(comparedRequests())("answers as on its own server: $name", async ({ make }) => {
      const [expected, got] = await Promise.all([own.send(make()), ours.send(make())]);
      expect(seen(got, isLoose)).toEqual(seen(expected, isLoose));
    });

    it.each(comparedRequests())("answers so with light objects: $name", async ({ make }) => {
      const expected = await own.send(make());
      const restore = useLightObjects();
      try {
        expect(seen(await ours.send(make()), isLoose)).toEqual(seen(expected, isLoose));
      } finally {
        restore();
      }
    });
  });
});
