import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { Listening } from "../conformance/http-transport.ts";

/** Serves a request listener with `node:http`, on a port of its own. */
export async function listen(listener: RequestListener): Promise<Listening & { readonly connect: { readonly port: number } }> {
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
