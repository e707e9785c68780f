import type { ApplicationLike } from "@gateway/core";
import { makeServer as makeFastcgiServer } from "@gateway/fastcgi";
import { makeClient } from "@gateway/fastcgi/client";
import { makeServer } from "@gateway/server";
import { cgiTransport, httpTransport, type Listening, type RunningTransport } from "@gateway/testing/conformance";
import { errorsTo } from "./test-transport.ts";

const hooks = { key: "", note() {}, errors() {} };
const options = { errors: errorsTo(() => {}), shutdownSeconds: 1 };

/** Sends raw requests to whoever listens. */
export function clientOf(listening: Listening): Promise<RunningTransport> {
  return httpTransport({ name: "raw", listen: async () => listening }).start(() => [], hooks);
}

async function http(app: ApplicationLike): Promise<RunningTransport> {
  const server = makeServer("127.0.0.1", 0, app, { ...options, serverHeader: "" });
  const address = await server.listen();
  void server.serveForever();
  return clientOf({ connect: { port: address.kind === "tcp" ? address.port : 0 }, close: () => server.shutdown() });
}

/** With what stands in for a front server. */
function fastcgi(app: ApplicationLike): Promise<RunningTransport> {
  const transport = cgiTransport({
    name: "FastCGI",
    unknownLength: true,
    async listen(served) {
      const server = makeFastcgiServer("127.0.0.1", 0, served, { ...options, stopIdleSeconds: 0 });
      const client = makeClient({ connect: await server.listen() });
      void server.serveForever();
      return {
        request: (request) => client.request(request),
        async close() {
          client.close();
          await server.shutdown();
        },
      };
    },
  });
  return transport.start(app, hooks);
}

interface ComparedServer {
  readonly name: string;
  readonly serve: (app: ApplicationLike) => Promise<RunningTransport>;
  /** Requests that it cannot carry as they are, each with the reason. */
  readonly lacks: Readonly<Record<string, string>>;
}

/** The servers of ours that an application is compared on. */
export const servers: readonly ComparedServer[] = [
  { name: "our HTTP server", serve: http, lacks: {} },
  { name: "our FastCGI server", serve: fastcgi, lacks: { "an absolute target": "a front server hands on the path of it" } },
];
