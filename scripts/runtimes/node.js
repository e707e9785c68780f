// Runs on every version of Node: the conformance table over toNode on node:http, and through fromNode and out again.
import { once } from "node:events";
import { createServer } from "node:http";
import { fromNode, toNode } from "@gateway/node";
import { httpTransport } from "@gateway/testing/conformance";
import { errorsTo } from "./errors-to.js";
import { runTable } from "./table.js";

/** Serves what is made of an application. */
function transport(name, lacks, wrap) {
  return httpTransport({
    name,
    lacks,
    async listen(app, hooks) {
      const server = createServer(wrap(toNode(app, { errors: errorsTo(hooks) })));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return {
        connect: { port: server.address().port },
        async close() {
          const closed = once(server, "close");
          server.close();
          server.closeAllConnections();
          await closed;
        },
      };
    },
  });
}

await runTable(transport("toNode", {}, (handler) => handler));
await runTable(
  transport(
    "toNode of fromNode of toNode",
    { "supplies no length for a stream": "a body that ends in the turn of the loop that it began in is whole" },
    (handler) => toNode(fromNode(handler), { errors: errorsTo({ errors() {} }) }),
  ),
);
