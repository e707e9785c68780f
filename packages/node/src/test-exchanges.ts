import { once } from "node:events";
import { connect as connectHttp2, createServer, type ClientHttp2Session } from "node:http2";
import { connect, type AddressInfo } from "node:net";
import { rawPath, type Application, type Environ } from "@gateway/core";
import { listen } from "@gateway/testing/adapters";
import { validator } from "@gateway/validate";
import type { NodeHandler } from "./to-node.ts";

/** What the tests of a file have begun to serve. */
export class Origins {
  readonly #closing: (() => Promise<void>)[] = [];

  /** Serves with `node:http`; gives the origin. */
  async serve(listener: Parameters<typeof listen>[0]): Promise<string> {
    const listening = await listen(listener);
    this.#closing.push(() => listening.close());
    return `http://127.0.0.1:${listening.connect.port}`;
  }

  /** Serves with `node:http2`; gives a session of a client. */
  async serveHttp2(handler: NodeHandler): Promise<ClientHttp2Session> {
    const server = createServer((request, response) => {
      // The compatibility layer of http2 has what is used of http.
      handler(request as never, response as never);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    this.#closing.push(async () => {
      session.close();
      server.close();
      await once(server, "close");
    });
    return session;
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0)) await close();
  }
}

/** Answers with what it picks of its environ, as JSON. */
export function shows(pick: (environ: Environ) => unknown): Application {
  return validator((environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "application/json"]]);
    return [Buffer.from(JSON.stringify(pick(environ)))];
  });
}

/** Answers with where it is mounted, and what it was asked. */
export const paths: Application = shows((environ) => [
  environ.SCRIPT_NAME,
  environ.PATH_INFO,
  environ.REQUEST_URI,
  rawPath(environ) ?? "",
]);

/** Answers with the body of the request. */
export const reads: Application = async (environ, startResponse) => {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`read ${Buffer.from(body).toString()}`)];
};

/** Sends these bytes, and gives what comes back. */
export async function raw(origin: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  socket.write(text, "latin1");
  let got = "";
  for await (const chunk of socket) got += (chunk as Buffer).toString("latin1");
  return got;
}
