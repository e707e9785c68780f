import type { RequestListener } from "node:http";
import type { ApplicationLike } from "@gateway/core";
import { listen } from "@gateway/testing/adapters";
import { errorsTo, httpTransport, type Listening, type Transport } from "@gateway/testing/conformance";
import { toNode, type NodeHandler, type ToNodeOptions } from "./to-node.ts";

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
