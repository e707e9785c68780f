import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { connect, createServer as createTlsServer, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Application, Environ } from "@gateway/core";
import { eventually } from "@gateway/testing/campaign";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RefusedRequest, TlsFacts } from "@gateway/sockets";
import { makeServer } from "./server.ts";
import { hello, request, TestClient, testServer } from "./test-client.ts";

const file = (name: string): Buffer => readFileSync(new URL(`../cases/tls/${name}`, import.meta.url));
const cert = file("cert.pem");
const tls = { key: file("key.pem"), cert };

async function secure(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: cert, ...options });
  await once(socket, "secureConnect");
  return socket;
}

async function ask(port: number, options: ConnectionOptions = {}): Promise<string> {
  const client = new TestClient(await secure(port, options));
  client.send(request("/x", "Connection: close\r\n"));
  return client.all();
}

function remember(): { app: Application; environs: Environ[] } {
  const environs: Environ[] = [];
  const app: Application = (environ, startResponse) => {
    environs.push(environ);
    return hello(environ, startResponse);
  };
  return { app, environs };
}

async function listening(server: Server): Promise<Server> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

describe("TLS", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("serves https, and tells the application about it", async () => {
    const { app, environs } = remember();
    await using server = await testServer(app, { tls });
    expect(await ask(server.port)).toContain("hello /x");
    const environ = environs[0];
    expect(environ).toMatchObject({
      "wsgi.url_scheme": "https",
      HTTPS: "on",
      REMOTE_ADDR: "127.0.0.1",
      SERVER_PORT: String(server.port),
    });
    const facts = environ?.["gateway.tls"] as TlsFacts | undefined;
    expect(facts).toMatchObject({ version: "TLSv1.3", serverName: "localhost", isAuthorized: false });
    expect(facts?.cipher).toMatch(/^TLS_/);
    expect(facts?.clientCertificate).toBeUndefined();
  });

  it("shows the certificate of a client where one was asked for", async () => {
    const { app, environs } = remember();
    await using server = await testServer(app, { tls: { ...tls, requestCert: true, rejectUnauthorized: false, ca: cert } });
    expect(await ask(server.port, tls)).toContain("hello /x");
    const facts = environs[0]?.["gateway.tls"] as TlsFacts | undefined;
    expect(facts?.clientCertificate?.subject).toMatchObject({ CN: "localhost" });
  });

  it("speaks http/1.1, whatever else the client would like to", async () => {
    await using server = await testServer(hello, { tls });
    const both = await secure(server.port, { ALPNProtocols: ["h2", "http/1.1"] });
    expect(both.alpnProtocol).toBe("http/1.1");
    both.destroy();
    expect(await ask(server.port)).toContain("hello /x");
    await expect(secure(server.port, { ALPNProtocols: ["h2"] })).rejects.toThrow(/alert/);
  });

  it("keeps a connection, and takes a request that comes octet by octet", async () => {
    await using server = await testServer(hello, { tls });
    const client = new TestClient(await secure(server.port));
    client.send(request("/1"));
    await client.until((text) => text.endsWith("hello /1"));
    for (const octet of request("/2", "Connection: close\r\n")) client.send(octet);
    expect((await client.all()).endsWith("hello /2")).toBe(true);
  });

  it.each([
    ["plain HTTP", request("/plain")],
    ["noise", "\x16\x03\x01\x00\x05hello\xff\xff"],
  ])("reports a handshake that fails (%s), closes it, and serves the others", async (_name, text) => {
    const refused = vi.fn<(request: RefusedRequest) => void>();
    await using server = await testServer(hello, { tls, onRefused: refused });
    const bad = await server.connect();
    bad.send(text);
    expect(await bad.all()).not.toContain("hello");
    await eventually(() => refused.mock.calls.length > 0);
    expect(refused).toHaveBeenCalledTimes(1);
    expect(refused.mock.lastCall?.[0]).toMatchObject({ code: 0, reason: expect.stringContaining("TLS handshake failed") });
    expect(await ask(server.port)).toContain("hello /x");
    expect(server.errors).toEqual([]);
  });

  it("is not hurt by clients that leave in the middle of the handshake", async () => {
    await using server = await testServer(hello, { tls });
    for (let i = 0; i < 20; i++) {
      const client = await server.connect();
      client.send("\x16\x03\x01\x02\x00".slice(0, i % 6));
      client.socket.resetAndDestroy();
      await client.closed;
    }
    expect(await ask(server.port)).toContain("hello /x");
    expect(server.errors).toEqual([]);
  });

  it.each(["stalls", "drips"])("cuts a handshake that %s, after headerSeconds", async (how) => {
    const refused = vi.fn<(request: RefusedRequest) => void>();
    await using server = await testServer(hello, { tls, headerSeconds: 1, onRefused: refused });
    const client = await server.connect();
    const begun = performance.now();
    // The record that begins here never ends. The clock is that of the runtime, which no test can move.
    client.send("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    const drip = how === "drips" ? setInterval(() => client.socket.writable && client.send("\x01"), 100) : undefined;
    expect(await client.all()).toBe("");
    clearInterval(drip);
    expect(performance.now() - begun).toBeLessThan(3000);
    await eventually(() => refused.mock.calls.length > 0);
    expect(refused.mock.lastCall?.[0].code).toBe(0);
    expect(await ask(server.port)).toContain("hello /x");
  });

  it("counts the handshake in the time for the first head", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    await using server = await testServer(hello, { tls, headerSeconds: 10, silentSeconds: 60 });
    const slow = connectTcp({ port: server.port, host: "127.0.0.1" });
    await once(slow, "connect");
    // The server has taken that connection by the time it has served another.
    expect(await ask(server.port)).toContain("hello /x");
    vi.advanceTimersByTime(6000);
    const socket = connect({ socket: slow, servername: "localhost", ca: cert });
    await once(socket, "secureConnect");
    const client = new TestClient(socket);
    client.send("GET / HTTP/1.1\r\n");
    expect(await ask(server.port)).toContain("hello /x");
    vi.advanceTimersByTime(5000);
    expect(await client.all()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("counts handshakes among the connections", async () => {
    await using server = await testServer(hello, { tls, maxConnections: 1 });
    const first = await server.connect();
    const second = await server.connect();
    expect(await second.all()).toBe("");
    first.socket.destroy();
    await eventually(() => first.socket.closed);
  });

  it("does not let a handshake hold up a shutdown beyond its grace", async () => {
    const server = await testServer(hello, { tls, shutdownSeconds: 0.2 });
    const stalled = await server.connect();
    stalled.send("\x16\x03\x01");
    expect(await ask(server.port)).toContain("hello /x");
    const begun = performance.now();
    await server.server.shutdown();
    expect(performance.now() - begun).toBeLessThan(3000);
    await stalled.closed;
  });
});

describe("a server that listens already", () => {
  const portOf = (server: Server): number => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  };

  it("is served: a net.Server", async () => {
    const { app, environs } = remember();
    const listener = await listening(createServer({ allowHalfOpen: true }));
    await using server = makeServer(listener, 0, app);
    expect(await server.listen()).toMatchObject({ kind: "tcp", port: portOf(listener) });
    void server.serveForever();
    const socket: Socket = connectTcp({ port: portOf(listener), host: "127.0.0.1" });
    const client = new TestClient(socket);
    client.send(request("/x", "Connection: close\r\n"));
    expect(await client.all()).toContain("hello /x");
    expect(environs[0]).toMatchObject({ "wsgi.url_scheme": "http", SERVER_NAME: "127.0.0.1", REMOTE_ADDR: "127.0.0.1" });
  });

  it("is served: a net.Server, with TLS", async () => {
    const { app, environs } = remember();
    const listener = await listening(createServer({ allowHalfOpen: true, pauseOnConnect: true }));
    await using server = makeServer(listener, 0, app, { tls });
    await server.listen();
    void server.serveForever();
    expect(await ask(portOf(listener))).toContain("hello /x");
    expect(environs[0]).toMatchObject({ "wsgi.url_scheme": "https", HTTPS: "on" });
  });

  it("is served: a tls.Server", async () => {
    const { app, environs } = remember();
    const listener = await listening(createTlsServer(tls));
    await using server = makeServer(listener, 0, app);
    await server.listen();
    void server.serveForever();
    expect(await ask(portOf(listener))).toContain("hello /x");
    expect(environs[0]).toMatchObject({ "wsgi.url_scheme": "https", HTTPS: "on", "gateway.tls": { version: "TLSv1.3" } });
  });

  it("is stopped by shutdown, and refused where it does not listen yet", async () => {
    const listener = await listening(createServer({ allowHalfOpen: true }));
    const server = makeServer(listener, 0, hello);
    const serving = server.serveForever();
    await server.listen();
    await server.shutdown();
    await serving;
    expect(listener.listening).toBe(false);
    await expect(makeServer(createServer(), 0, hello).listen()).rejects.toThrow(/does not listen/);
  });
});
