// Runs on every runtime that has node:net: the conformance table over the HTTP server.
import { makeServer } from "@gateway/server";
import { httpTransport } from "@gateway/testing/conformance";
import { errorsTo } from "./errors-to.js";
import { runTable } from "./table.js";

const transport = httpTransport({
  name: "the HTTP server",
  async listen(app, hooks) {
    const server = makeServer("127.0.0.1", 0, app, { errors: errorsTo(hooks), shutdownSeconds: 1 });
    const { port } = await server.listen();
    void server.serveForever();
    return { connect: { port }, close: () => server.shutdown() };
  },
});
await runTable(transport);
