import { once } from "node:events";
import { connect } from "node:net";
import type { Application } from "@gateway/core";
import { campaignTimeout, eventually, scaled } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { observedServer } from "./test-observed-server.ts";
import { count, request, testServer, TestClient } from "./test-client.ts";

const app: Application = async (environ, startResponse) => {
  const { PATH_INFO } = environ;
  // Three sorts of answers: at once, later, and in a stream that takes a while.
  if (PATH_INFO !== "/now") for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  if (PATH_INFO !== "/stream") return [Buffer.from(`whole ${PATH_INFO} end`)];
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let part = 0; part < 10; part++) {
      yield Buffer.alloc(8 * 1024, "s");
      await new Promise((resolve) => setImmediate(resolve));
    }
    yield Buffer.from(" end");
  }
  return stream();
};

const paths = ["/now", "/later", "/stream"];

/** What one client of the load saw. */
interface Seen {
  answers: number;
  wasReset: boolean;
  /** Requests that were sent before the server said close, and got no whole answer. */
  lost: number;
  saidClose: boolean;
}

const isWhole = (text: string): boolean => text.endsWith(" end") || text.endsWith(" end\r\n0\r\n\r\n");

/** Asks again as soon as it has its answer, until it is told that the connection closes. */
async function load(port: number, isStopped: () => boolean, offset: number): Promise<Seen> {
  const seen: Seen = { answers: 0, wasReset: false, lost: 0, saidClose: false };
  for (let i = offset; !isStopped() || seen.answers === 0;) {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => (seen.wasReset = true));
    const client = new TestClient(socket);
    await once(socket, "connect");
    for (let closes = false; !closes; i++) {
      client.received = "";
      client.send(request(paths[i % paths.length] ?? "/now"));
      const whole = await client.until((text) => text.includes("\r\n\r\n") && isWhole(text)).catch(() => "");
      if (whole === "") {
        seen.lost++;
        return seen;
      }
      seen.answers++;
      closes = whole.includes("\r\nConnection: close\r\n");
      seen.saidClose ||= closes;
      if (count(whole, "HTTP/1.1 200 OK") !== 1) throw new Error(`strange answer ${whole.slice(0, 200)}`);
    }
    await client.closed;
    return seen;
  }
  return seen;
}

describe("shutdown under load", () => {
  const times = scaled(20, 2);

  it(
    `loses no request and no answer on 50 busy connections, ${times} times`,
    async () => {
      let answers = 0;
      for (let time = 0; time < times; time++) {
        const server = await testServer(app, { shutdownSeconds: 10 });
        let stopped = false;
        const clients = Array.from({ length: 50 }, (_, i) => load(server.port, () => stopped, i));
        const idle = await server.connect();
        idle.send(request("/now"));
        await idle.until(isWhole);
        // Every time at another moment of the load.
        for (let turn = 0; turn < 30 + 7 * time; turn++) await new Promise((resolve) => setImmediate(resolve));
        stopped = true;
        const begun = performance.now();
        let idleFor = Infinity;
        void idle.closed.then(() => (idleFor = performance.now() - begun));
        await server.server.shutdown();
        const seen = await Promise.all(clients);
        await idle.closed;
        expect(seen.filter((client) => client.lost > 0 || client.wasReset)).toEqual([]);
        expect(seen.every((client) => client.saidClose)).toBe(true);
        expect(server.errors).toEqual([]);
        expect(idleFor).toBeGreaterThan(400);
        expect(idleFor).toBeLessThan(5000);
        answers += seen.reduce((sum, client) => sum + client.answers, 0);
      }
      console.log(`${answers} answers under ${times} shutdowns, none lost`);
    },
    campaignTimeout,
  );

  it(
    `serves the connections that wait in the backlog, ${times} times`,
    async () => {
      for (let time = 0; time < times; time++) {
        const server = await observedServer(app, { shutdownSeconds: 10 });
        const clients: TestClient[] = [];
        let resets = 0;
        for (let i = 0; i < 100; i++) {
          const socket = connect({ port: server.port, host: "127.0.0.1" });
          socket.on("error", () => resets++);
          const client = new TestClient(socket);
          client.send(request(paths[i % paths.length] ?? "/now"));
          clients.push(client);
        }
        // The system has connected them, and the server has not had a turn to take one.
        await new Promise((resolve) => process.nextTick(resolve));
        expect(server.sockets).toHaveLength(0);
        const stopped = server.server.shutdown();
        for (const client of clients) expect(isWhole(await client.all())).toBe(true);
        await stopped;
        expect(server.sockets).toHaveLength(100);
        expect(resets).toBe(0);
      }
    },
    campaignTimeout,
  );

  it("gives a client the whole window to ask once more, however long its answer took", async () => {
    let finish: (() => void) | undefined;
    const server = await testServer(
      (environ, startResponse) => {
        startResponse("200 OK", []);
        if (environ.PATH_INFO === "/next") return [Buffer.from("next end")];
        async function* stream(): AsyncGenerator<Uint8Array> {
          yield Buffer.from("first");
          await new Promise<void>((resolve) => (finish = resolve));
          yield Buffer.from(" end");
        }
        return stream();
      },
      { shutdownSeconds: 10, stopIdleSeconds: 0.4 },
    );
    const client = await server.connect();
    client.send(request("/"));
    await client.until((text) => text.includes("first"));
    await eventually(() => finish !== undefined);
    const stopped = server.server.shutdown();
    // Longer than the window: the answer was begun with keep-alive, so its client may go on.
    await new Promise((resolve) => setTimeout(resolve, 500));
    finish?.();
    await client.until(isWhole);
    await new Promise((resolve) => setTimeout(resolve, 150));
    client.send(request("/next"));
    expect((await client.all()).endsWith("next end")).toBe(true);
    await stopped;
  });

  it("does not wait long for a connection from the backlog that says nothing", async () => {
    const server = await testServer(app, { shutdownSeconds: 10, stopIdleSeconds: 0.1 });
    const stopped = server.server.shutdown();
    const client = new TestClient(connect({ port: server.port, host: "127.0.0.1" }));
    const begun = performance.now();
    await stopped;
    expect(performance.now() - begun).toBeLessThan(3000);
    await client.closed;
  });
});
