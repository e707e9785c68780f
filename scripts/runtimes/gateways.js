// Runs on every version of Node: the conformance table over FastCGI, SCGI and uwsgi, with a client in the place of a front server.
import { cgiTransport } from "@gateway/testing/conformance";
import { errorsTo } from "./errors-to.js";
import { runTable } from "./table.js";

const sized = { "fails to read a chunked body that was cut short": "a request has a length: what has come of it is all" };
const gateways = {
  fastcgi: { unknownLength: true, lacks: {} },
  scgi: {
    unknownLength: false,
    lacks: {
      ...sized,
      "gives no type and no length of a body that there is not": "CONTENT_LENGTH is always there",
      "refuses a NUL in the path": "a NUL ends a variable",
    },
  },
  uwsgi: { unknownLength: false, lacks: sized },
};

for (const [name, { unknownLength, lacks }] of Object.entries(gateways)) {
  const { makeServer } = await import(`@gateway/${name}`);
  const { makeClient } = await import(`@gateway/${name}/client`);
  const transport = cgiTransport({
    name,
    unknownLength,
    lacks,
    async listen(app, hooks) {
      const server = makeServer("127.0.0.1", 0, app, { errors: errorsTo(hooks), shutdownSeconds: 1, stopIdleSeconds: 0 });
      const client = makeClient({ connect: await server.listen() });
      void server.serveForever();
      return {
        request: (request) => client.request(request),
        async close() {
          client.close();
          await server.shutdown();
        },
      };
    },
  });
  await runTable(transport);
}
