import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { ApplicationLike, ErrorStream } from "@gateway/core";
import { httpTransport, type Listening, type Transport } from "@gateway/testing/conformance";
import { toNode, type NodeHandler, type ToNodeOptions } from "./to-node.ts";

export function errorsTo(write: (text: string) => void): ErrorStream {
  return {
    write,
    writelines(lines) {
      for (const line of lines) write(line);
    },
    flush() {},
  };
}

/** The table over a host that calls a request listener; `mount` makes the host around the handler. */
export function hostTransport(
  name: string,
  lacks: Readonly<Record<string, string>>,
  mount: (handler: NodeHandler) => RequestListener | Promise<RequestListener>,
  options: ToNodeOptions = {},
): Transport {
  return httpTransport({
    name,
    lacks,
    async listen(app: ApplicationLike, hooks): Promise<Listening> {
      return listen(await mount(toNode(app, { ...options, errors: errorsTo((text) => hooks.errors(text)) })));
    },
  });
}

/** Serves on a port of its own. */
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
