import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { Application } from "@gateway/core";
import { cannedServer, onceFor } from "@gateway/testing/canned-server";
import { errorsTo } from "@gateway/testing/conformance";
import { afterEach, vi } from "vitest";
import { makeClient, type FastcgiClientOptions, type GatewayClient, type GatewayRequest } from "./client.ts";
import { makeServer } from "./fastcgi-server.ts";
import type { FastcgiOptions } from "./options.ts";
import { rec } from "./test-records.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0)) await stop();
});

/** A server of ours, and a client of it. */
export async function served(
  app: Application,
  options: Partial<FastcgiClientOptions> = {},
  serverOptions: FastcgiOptions = {},
): Promise<{ client: GatewayClient; accepted: () => number; errors: string[] }> {
  const listener = createServer({ allowHalfOpen: true });
  let accepted = 0;
  listener.on("connection", () => accepted++);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const errors: string[] = [];
  const server = makeServer(listener, 0, app, {
    shutdownSeconds: 0,
    stopIdleSeconds: 0,
    errors: errorsTo((line) => errors.push(line)),
    ...serverOptions,
  });
  await server.listen();
  void server.serveForever();
  const client = makeClient({ connect: { port: (listener.address() as AddressInfo).port }, ...options });
  stops.push(async () => {
    client.close();
    await server.shutdown();
  });
  return { client, accepted: () => accepted, errors };
}

/** A server that says what it is told to once something has come, and a client of it. */
export async function canned(
  answer: (socket: Socket) => void,
  options: Partial<FastcgiClientOptions> = {},
): Promise<{ client: GatewayClient; sockets: Socket[]; received: () => string }> {
  const { connect, sockets, received, stop } = await cannedServer(onceFor(answer), { allowHalfOpen: false });
  const client = makeClient({ connect, ...options });
  stops.push(async () => {
    client.close();
    await stop();
  });
  return { client, sockets, received };
}

export const get = (path = "/", more: Partial<GatewayRequest> = {}): GatewayRequest => ({
  variables: { REQUEST_METHOD: "GET", SCRIPT_NAME: "", PATH_INFO: path },
  ...more,
});

export const post = (body: GatewayRequest["body"], length?: number): GatewayRequest => ({
  variables: {
    REQUEST_METHOD: "POST",
    SCRIPT_NAME: "",
    PATH_INFO: "/",
    CONTENT_LENGTH: length === undefined ? undefined : String(length),
  },
  body,
});

/** The body of the answer. */
export const ask = async (client: GatewayClient, request: GatewayRequest = get()): Promise<string> =>
  text((await client.request(request)).body);

export const hello: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`hello ${environ.PATH_INFO}`)];
};

export const echo: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return environ["wsgi.input"];
};

/** A whole response, as STDOUT has it. */
export const ok = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nbody";

/** END_REQUEST. */
export const end = (id: number, appStatus = 0, protocolStatus = 0): string =>
  rec(3, id, `\0\0\0${String.fromCharCode(appStatus, protocolStatus)}\0\0\0`);
