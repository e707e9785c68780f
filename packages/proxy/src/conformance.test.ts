import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ApplicationLike } from "@gateway/core";
import { makeServer as makeFastcgiServer } from "@gateway/fastcgi";
import { fastcgiApp } from "@gateway/fastcgi/client";
import { makeServer as makeScgiServer } from "@gateway/scgi";
import { scgiApp } from "@gateway/scgi/client";
import { makeServer as makeHttpServer } from "@gateway/server";
import type { BackEndApplication } from "@gateway/sockets";
import {
  errorsTo,
  gatewayConformance,
  httpTransport,
  unseenDepartures,
  unseenTruncations,
  type Transport,
  type TransportHooks,
} from "@gateway/testing/conformance";
import { makeServer as makeUwsgiServer } from "@gateway/uwsgi";
import { uwsgiApp } from "@gateway/uwsgi/client";
import { validator } from "@gateway/validate";
import { afterAll, describe, expect, it } from "vitest";
import { httpApp } from "./http-app.ts";
import { begin, front, type AnyServer } from "./test-servers.ts";

const folder = mkdtempSync(join(tmpdir(), "gateway-proxy-"));
let sockets = 0;
const unixSocket = (): string => join(folder, `${sockets++}.sock`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const certificate = (file: string): Buffer => readFileSync(new URL(`../../server/cases/tls/${file}`, import.meta.url));
const tls = { key: certificate("key.pem"), cert: certificate("cert.pem") };

type Make = (host: string, app: ApplicationLike, hooks: TransportHooks) => AnyServer;
const options = { shutdownSeconds: 1, stopIdleSeconds: 0 };
const http: Make = (host, app, hooks) =>
  makeHttpServer(host, 0, app, { ...options, errors: errorsTo((text) => hooks.errors(text)) });
const https: Make = (host, app, hooks) =>
  makeHttpServer(host, 0, app, { ...options, tls, errors: errorsTo((text) => hooks.errors(text)) });
const fastcgi: Make = (host, app, hooks) =>
  makeFastcgiServer(host, 0, app, { ...options, errors: errorsTo((text) => hooks.errors(text)) });
const scgi: Make = (host, app, hooks) =>
  makeScgiServer(host, 0, app, { ...options, errors: errorsTo((text) => hooks.errors(text)) });
const uwsgi: Make = (host, app, hooks) =>
  makeUwsgiServer(host, 0, app, { ...options, errors: errorsTo((text) => hooks.errors(text)) });

/** A client, our HTTP server, a client application, and our server of its protocol. */
function through(
  name: string,
  make: Make,
  where: "tcp" | "unix",
  clientApp: (at: { port: number; path: string }) => BackEndApplication,
  lacks: Readonly<Record<string, string>>,
): Transport {
  return httpTransport({
    name: `${name} over ${where === "tcp" ? "TCP" : "a Unix socket"}`,
    lacks,
    async listen(app, hooks) {
      const back = await begin(make(where === "tcp" ? "127.0.0.1" : `unix:${unixSocket()}`, app, hooks));
      const client = clientApp(back);
      const server = await front(validator(client), (text) => hooks.errors(text));
      return {
        connect: { port: server.port },
        async close() {
          client.close();
          await server.stop();
          await back.stop();
        },
      };
    },
  });
}

const socketOf = ({ port, path }: { port: number; path: string }): string => (path === "" ? `127.0.0.1:${port}` : path);

// What a back end sees of a client that left is that the connection to it was closed.
const withoutReset = {
  ...unseenDepartures,
  "closes a stream whose next chunk never comes when the client leaves": "as above: nothing is written to it any more",
};

const needsLength = {
  "gives a piece of the body before the rest has been sent": "the protocol needs a length, so a body without one is gathered first",
  "fails to read a chunked body that was cut short":
    "the protocol needs a length, so such a body never gets as far as the application",
};
const scgiLacks = {
  ...needsLength,
  "gives no type and no length of a body that there is not": "CONTENT_LENGTH is always there",
};

const withoutEnd = { ...withoutReset, ...unseenTruncations };

// Who asked is told by a header that one of the cases is about.
const forwardedHeaders: [] = [];

const transports: readonly (readonly [lacking: number, Transport])[] = [
  [0, through("httpApp", http, "tcp", ({ port }) => httpApp({ origin: `http://127.0.0.1:${port}`, forwardedHeaders }), {})],
  [5, through("httpApp", http, "unix", ({ path }) => httpApp({ origin: `unix:${path}`, forwardedHeaders }), withoutReset)],
  [
    5,
    through(
      "httpApp with TLS",
      https,
      "tcp",
      ({ port }) => httpApp({ origin: `https://localhost:${port}`, tls: { ca: tls.cert }, forwardedHeaders }),
      withoutReset,
    ),
  ],
  [0, through("fastcgiApp", fastcgi, "tcp", (at) => fastcgiApp({ socket: socketOf(at), unknownLength: "stream" }), {})],
  [0, through("fastcgiApp", fastcgi, "unix", (at) => fastcgiApp({ socket: socketOf(at), unknownLength: "stream" }), {})],
  [3, through("scgiApp", scgi, "tcp", (at) => scgiApp({ socket: socketOf(at) }), scgiLacks)],
  [15, through("scgiApp", scgi, "unix", (at) => scgiApp({ socket: socketOf(at) }), { ...scgiLacks, ...withoutEnd })],
  [2, through("uwsgiApp", uwsgi, "tcp", (at) => uwsgiApp({ socket: socketOf(at) }), needsLength)],
  [14, through("uwsgiApp", uwsgi, "unix", (at) => uwsgiApp({ socket: socketOf(at) }), { ...needsLength, ...withoutEnd })],
];
for (const [, transport] of transports) gatewayConformance(transport, { describe, it }, { deadlineMs: 4000 });

describe("what a protocol keeps from the table", () => {
  it.each(transports)("is %i cases", (count, transport) => {
    expect(Object.keys(transport.lacks ?? {})).toHaveLength(count);
  });
});
