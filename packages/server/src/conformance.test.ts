import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { errorsTo, gatewayConformance, httpTransport, unseenDepartures, type Transport } from "@gateway/testing/conformance";
import { afterAll, describe, it } from "vitest";
import { makeServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "gateway-conformance-"));
let sockets = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tcp: Transport = httpTransport({
  name: "HTTP over TCP",
  async listen(app, hooks) {
    const server = makeServer("127.0.0.1", 0, app, { errors: errorsTo((text) => hooks.errors(text)), shutdownSeconds: 1 });
    const address = await server.listen();
    if (address.kind !== "tcp") throw new Error("it listens elsewhere");
    void server.serveForever();
    return { connect: { port: address.port }, close: () => server.shutdown() };
  },
});

const unix: Transport = httpTransport({
  name: "HTTP over a Unix socket",
  lacks: unseenDepartures,
  async listen(app, hooks) {
    const path = join(folder, `${sockets++}.sock`);
    const server = makeServer(`unix:${path}`, 0, app, { errors: errorsTo((text) => hooks.errors(text)), shutdownSeconds: 1 });
    await server.listen();
    void server.serveForever();
    return { connect: { path }, close: () => server.shutdown() };
  },
});

const certificate = (file: string): Buffer => readFileSync(new URL(`../cases/tls/${file}`, import.meta.url));

const tls: Transport = httpTransport({
  name: "HTTP over TLS",
  lacks: unseenDepartures,
  async listen(app, hooks) {
    const server = makeServer("127.0.0.1", 0, app, {
      errors: errorsTo((text) => hooks.errors(text)),
      shutdownSeconds: 1,
      tls: { key: certificate("key.pem"), cert: certificate("cert.pem") },
    });
    const address = await server.listen();
    if (address.kind !== "tcp") throw new Error("it listens elsewhere");
    void server.serveForever();
    const { port } = address;
    return {
      connect: async () => {
        const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: certificate("cert.pem") });
        await once(socket, "secureConnect");
        return socket;
      },
      close: () => server.shutdown(),
    };
  },
});

for (const transport of [tcp, unix, tls]) gatewayConformance(transport, { describe, it });
