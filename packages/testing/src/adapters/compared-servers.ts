import type { ApplicationLike, ErrorStream } from "@gateway/core";
import { cgiTransport, type CgiRequest, type CgiResponse } from "../conformance/cgi-transport.ts";
import { httpTransport, type Listening } from "../conformance/http-transport.ts";
import type { RunningTransport, TransportHooks } from "../conformance/types.ts";
import { errorsTo } from "../errors-to.ts";

/** Where a server listens. */
export type ListeningAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** What the comparison needs of a server: those of all protocols have it. */
export interface ComparedListener {
  listen(): Promise<ListeningAddress>;
  serveForever(): Promise<void>;
  shutdown(): Promise<void>;
}

/** What servers of all protocols are told. */
export interface ComparedSettings {
  readonly errors: ErrorStream;
  readonly shutdownSeconds: number;
}

/** The gateways, which this package does not import. */
export interface ComparedGateways {
  /** That of `@gateway/server`. */
  readonly makeServer: (
    host: string,
    port: number,
    app: ApplicationLike,
    options: ComparedSettings & { readonly serverHeader: string },
  ) => ComparedListener;
  /** That of `@gateway/fastcgi`. */
  readonly makeFastcgiServer: (
    host: string,
    port: number,
    app: ApplicationLike,
    options: ComparedSettings & { readonly stopIdleSeconds: number },
  ) => ComparedListener;
  /** That of `@gateway/fastcgi/client`, which stands in for a front server. */
  readonly makeClient: (options: { readonly connect: ListeningAddress }) => {
    request(request: CgiRequest): Promise<CgiResponse>;
    close(): void;
  };
}

/** A server that applications are compared on. */
export interface ComparedServer {
  readonly name: string;
  /** Requests of the comparison that it cannot carry as they are, by name, each with the reason. */
  readonly lacks: Readonly<Record<string, string>>;
  /** Serves an application on a port of its own. What is written to `wsgi.errors` is dropped. */
  readonly serve: (app: ApplicationLike) => Promise<RunningTransport>;
}

const hooks: TransportHooks = { key: "", note() {}, errors() {} };
const settings: ComparedSettings = { errors: errorsTo(() => {}), shutdownSeconds: 1 };

/** Sends raw requests to whoever listens. */
export function clientOf(listening: Listening): Promise<RunningTransport> {
  return httpTransport({ name: "raw", listen: async () => listening }).start(() => [], hooks);
}

/** The servers of ours that an adapter is compared on: one that parses HTTP, and one behind a front server. */
export function comparedServers(gateways: ComparedGateways): readonly ComparedServer[] {
  return [
    { name: "our HTTP server", lacks: {}, serve: (app) => overHttp(gateways, app) },
    {
      name: "our FastCGI server",
      lacks: { "an absolute target": "a front server hands on the path of it" },
      serve: (app) => overFastcgi(gateways, app),
    },
  ];
}

async function overHttp({ makeServer }: ComparedGateways, app: ApplicationLike): Promise<RunningTransport> {
  const server = makeServer("127.0.0.1", 0, app, { ...settings, serverHeader: "" });
  const address = await server.listen();
  void server.serveForever();
  return clientOf({ connect: address.kind === "tcp" ? { port: address.port } : address, close: () => server.shutdown() });
}

function overFastcgi({ makeFastcgiServer, makeClient }: ComparedGateways, app: ApplicationLike): Promise<RunningTransport> {
  const transport = cgiTransport({
    name: "FastCGI",
    unknownLength: true,
    async listen(served) {
      const server = makeFastcgiServer("127.0.0.1", 0, served, { ...settings, stopIdleSeconds: 0 });
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
