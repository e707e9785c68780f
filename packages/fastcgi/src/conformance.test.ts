import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ApplicationLike, ErrorStream } from "@gateway/core";
import {
  CaseProcess,
  cgiTransport,
  gatewayConformance,
  type CgiListening,
  type Transport,
  type TransportHooks,
} from "@gateway/testing/conformance";
import { afterAll, describe, it } from "vitest";
import { makeClient, type FastcgiClientOptions } from "./client.ts";
import { makeServer } from "./fastcgi-server.ts";

const folder = mkdtempSync(join(tmpdir(), "gateway-conformance-"));
let sockets = 0;
let inherited: { process: CaseProcess; port: number } | undefined;
afterAll(async () => {
  await inherited?.process.stop();
  rmSync(folder, { recursive: true, force: true });
});

function errorsTo(hooks: TransportHooks): ErrorStream {
  return {
    write(text) {
      hooks.errors(text);
    },
    writelines(lines) {
      for (const line of lines) hooks.errors(line);
    },
    flush() {},
  };
}

/** A server in this process, and a client of it. */
async function listen(
  host: string,
  app: ApplicationLike,
  hooks: TransportHooks,
  options: Partial<FastcgiClientOptions> = {},
): Promise<CgiListening> {
  const server = makeServer(host, 0, app, { errors: errorsTo(hooks), shutdownSeconds: 1, stopIdleSeconds: 0 });
  const address = await server.listen();
  void server.serveForever();
  const client = makeClient({ connect: address, ...options });
  return {
    request: (request) => client.request(request),
    async close() {
      client.close();
      await server.shutdown();
    },
  };
}

// A front server that ends its side may still wait for the answer. Over TCP a departure shows by a reset; a Unix socket has none, so there it
// shows only when something is written, or by an ABORT_REQUEST, which clients send that share the connection with other requests.
const silent = "without a write, a Unix socket does not tell a front server that left from one that half-closed";

const tcp: Transport = cgiTransport({
  name: "FastCGI over TCP",
  unknownLength: true,
  listen: (app, hooks) => listen("127.0.0.1", app, hooks),
});

const unix: Transport = cgiTransport({
  name: "FastCGI over a Unix socket",
  unknownLength: true,
  lacks: {
    "aborts the signal when the client leaves before there is a response, and closes what comes then": silent,
    "does not pull a stream that comes after the client left": silent,
    "throws from write() once the client has left": silent,
    "gives a signal that is aborted already to who asks late": silent,
  },
  listen: (app, hooks) => listen(`unix:${join(folder, `${sockets++}.sock`)}`, app, hooks),
});

const multiplexed: Transport = cgiTransport({
  name: "FastCGI over a Unix socket, multiplexed",
  unknownLength: true,
  listen: (app, hooks) => listen(`unix:${join(folder, `${sockets++}.sock`)}`, app, hooks, { multiplex: 8 }),
});

const withoutKeepAlive: Transport = cgiTransport({
  name: "FastCGI without FCGI_KEEP_CONN",
  unknownLength: true,
  listen: (app, hooks) => listen("127.0.0.1", app, hooks, { keepAlive: false }),
});

const descriptor: Transport = cgiTransport({
  name: "FastCGI on descriptor 0",
  unknownLength: true,
  async listen(_app, hooks) {
    inherited ??= await startProcess();
    await inherited.process.begin(hooks);
    const client = makeClient({ connect: { port: inherited.port } });
    return { request: (request) => client.request(request), close: async () => client.close() };
  },
});

/** As mod_fcgid and lighttpd start it: with the listening socket in the place of the standard input. */
async function startProcess(): Promise<{ process: CaseProcess; port: number }> {
  const listener = createServer();
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const source = `
    import { answerCases } from "@gateway/testing/conformance";
    import { makeServer } from "@gateway/fastcgi";
    const { app, errors } = answerCases();
    await makeServer("fd://0", 0, app, { errors }).serveForever();`;
  return { process: CaseProcess.inheriting(listener, source, fileURLToPath(new URL("..", import.meta.url))), port };
}

for (const transport of [tcp, unix, multiplexed, withoutKeepAlive, descriptor])
  gatewayConformance(transport, { describe, it }, { deadlineMs: 15_000 });
