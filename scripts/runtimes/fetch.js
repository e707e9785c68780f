// Runs on Bun and on Deno: the conformance table over toFetch, on the runtime's own server.
import { toFetch } from "@gateway/fetch";
import { httpTransport } from "@gateway/testing/conformance";
import { errorsTo } from "./errors-to.js";
import { runTable } from "./table.js";

const ownLength = "its server tells the length of a stream that ends at once";
const ownHead = "its server sends Content-Length: 0 where a response to HEAD has no body";

const lacking = {
  Bun: {
    "keeps dot segments": "it resolves them",
    "gives OPTIONS * as a star": "it answers 400",
    "supplies no length for a stream": ownLength,
    "sends what is written before the body": ownLength,
    "breaks off a stream that ends before its length": "it sends streams in chunks, without the length that was given",
    "breaks off a stream before the chunk that goes over its length": "as above",
    "sends nothing beyond the length of a stream": "as above",
    "supplies for HEAD no length of a stream": ownHead,
    "supplies for HEAD no length of an empty array, which GET need not have": ownHead,
  },
  Deno: {
    "gives OPTIONS * as a star": "it gives the path /*",
    "sends status, reason and headers as given": "it sends reason phrases of its own",
    "supplies for HEAD no length of a stream": ownHead,
    "supplies for HEAD no length of an empty array, which GET need not have": ownHead,
    "keeps the length of a 304, which is that of the body it has not": "it drops it",
  },
};

const runtime = typeof Bun === "undefined" ? "Deno" : "Bun";
async function listen(app, hooks) {
  const handler = toFetch(app, { errors: errorsTo(hooks) });
  if (runtime === "Bun") {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 0, fetch: handler });
    return { connect: { port: server.port }, close: () => server.stop(true) };
  }
  const stop = new AbortController();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", signal: stop.signal, onListen() {} }, handler);
  return {
    connect: { port: server.addr.port },
    async close() {
      stop.abort();
      await server.finished;
    },
  };
}

await runTable(httpTransport({ name: "toFetch", lacks: lacking[runtime], listen }));
