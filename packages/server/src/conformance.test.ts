import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ErrorStream } from "@gateway/core";
import { gatewayConformance, httpTransport, type Transport } from "@gateway/testing/conformance";
import { afterAll, describe, it } from "vitest";
import { makeServer } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "gateway-conformance-"));
let sockets = 0;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function errorsTo(errors: (text: string) => void): ErrorStream {
  return {
    write: errors,
    writelines(lines) {
      for (const line of lines) errors(line);
    },
    flush() {},
  };
}

const tcp: Transport = httpTransport({
  name: "HTTP over TCP",
  async listen(app, hooks) {
    const server = makeServer("127.0.0.1", 0, app, { errors: errorsTo(hooks.errors), shutdownSeconds: 1 });
    const address = await server.listen();
    if (address.kind !== "tcp") throw new Error("it listens elsewhere");
    void server.serveForever();
    return { connect: { port: address.port }, close: () => server.shutdown() };
  },
});

const unix: Transport = httpTransport({
  name: "HTTP over a Unix socket",
  async listen(app, hooks) {
    const path = join(folder, `${sockets++}.sock`);
    const server = makeServer(`unix:${path}`, 0, app, { errors: errorsTo(hooks.errors), shutdownSeconds: 1 });
    await server.listen();
    void server.serveForever();
    return { connect: { path }, close: () => server.shutdown() };
  },
});

for (const transport of [tcp, unix]) gatewayConformance(transport, { describe, it });
