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
import { makeClient } from "./client.ts";
import { makeServer } from "./scgi-server.ts";

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
async function listen(host: string, app: ApplicationLike, hooks: TransportHooks): Promise<CgiListening> {
  const server = makeServer(host, 0, app, { errors: errorsTo(hooks), shutdownSeconds: 1, stopIdleSeconds: 0 });
  const address = await server.listen();
  void server.serveForever();
  const client = makeClient({ connect: address });
  return {
    request: (request) => client.request(request),
    async close() {
      client.close();
      await server.shutdown();
    },
  };
}

// What the protocol cannot carry.
const lacks = {
  "fails to read a chunked body that was cut short": "a request has a length: what has come of it is all",
  "gives no type and no length of a body that there is not": "CONTENT_LENGTH is always there",
  "refuses a NUL in the path": "a NUL ends a variable",
};

// A Unix socket has no reset: neither a departure nor the breaking off of a response without a length shows on it.
const silent = "without a write, a Unix socket does not tell a front server that left from one that half-closed";
const looksWhole = "a response without a length ends with the connection, and a Unix socket has one way to end";
const unixLacks = {
  ...lacks,
  "aborts the signal when the client leaves before there is a response, and closes what comes then": silent,
  "does not pull a stream that comes after the client left": silent,
  "throws from write() once the client has left": silent,
  "gives a signal that is aborted already to who asks late": silent,
  "breaks off at a string as a later chunk of a stream": looksWhole,
  "breaks off at an HTTPError after the head": looksWhole,
  "breaks off when a generator throws after its first chunk": looksWhole,
  "breaks off when the application throws after it wrote": looksWhole,
  "closes a body that fails in the middle": looksWhole,
  "tells the listeners that the application failed, and how much went out": looksWhole,
  "throws excInfo once the head has gone, and breaks off": looksWhole,
};

const tcp: Transport = cgiTransport({
  name: "SCGI over TCP",
  unknownLength: false,
  lacks,
  listen: (app, hooks) => listen("127.0.0.1", app, hooks),
});

const unix: Transport = cgiTransport({
  name: "SCGI over a Unix socket",
  unknownLength: false,
  lacks: unixLacks,
  listen: (app, hooks) => listen(`unix:${join(folder, `${sockets++}.sock`)}`, app, hooks),
});

const descriptor: Transport = cgiTransport({
  name: "SCGI on descriptor 0",
  unknownLength: false,
  lacks,
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
    import { makeServer } from "@gateway/scgi";
    const { app, errors } = answerCases();
    await makeServer("fd://0", 0, app, { errors }).serveForever();`;
  return { process: CaseProcess.inheriting(listener, source, fileURLToPath(new URL("..", import.meta.url))), port };
}

for (const transport of [tcp, unix, descriptor]) gatewayConformance(transport, { describe, it }, { deadlineMs: 15_000 });
