import { eventually, turns } from "@gateway/testing/campaign";
import { describe, expect, it, vi } from "vitest";
import { backEnd, fakeClock, ok } from "./test-http-app.ts";

describe("the connections of httpApp", () => {
  it("uses a connection again, and another for each request at the same time", async () => {
    const { url, sockets } = await backEnd(ok);
    for (let i = 0; i < 3; i++) await (await fetch(url)).text();
    expect(sockets).toHaveLength(1);
    await Promise.all([1, 2, 3].map(async () => (await fetch(url)).text()));
    expect(sockets.length).toBeGreaterThan(1);
  });

  it.each([
    ["the server says close", ok.replace("\r\n\r\n", "\r\nConnection: foo, Close\r\n\r\n"), {}],
    ["it is HTTP/1.0", ok.replace("1.1", "1.0"), {}],
    ["there is more than was said", `${ok}HTTP/1.1 200 OK\r\nX-Smuggled: 1\r\nContent-Length: 0\r\n\r\n`, {}],
    ["keepAlive is false", ok, { keepAlive: false }],
  ])("uses no connection again where %s", async (_name, answer, options) => {
    const { url, sockets } = await backEnd(answer, options);
    for (let i = 1; i <= 3; i++) {
      const response = await fetch(url);
      expect(response.headers.get("x-smuggled")).toBeNull();
      expect(await response.text()).toBe("body");
      expect(sockets).toHaveLength(i);
    }
  });

  it("closes a connection on which something comes that nobody asked for", async () => {
    const { url, sockets } = await backEnd(ok);
    await (await fetch(url)).text();
    sockets[0]?.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    await eventually(() => sockets[0]?.destroyed === true || sockets[0]?.readableEnded === true || sockets[0]?.closed === true);
    expect(await (await fetch(url)).text()).toBe("body");
    expect(sockets).toHaveLength(2);
  });

  it("asks once more where a kept connection is dead, if that does no harm", async () => {
    const { url, sockets } = await backEnd((socket, count) => {
      if (count !== 1) socket.write(ok);
      else socket.destroy();
    });
    await (await fetch(url)).text();
    // On the kept connection it is lost; on a new one it is answered.
    expect(await (await fetch(url)).text()).toBe("body");
    expect(sockets).toHaveLength(2);
    // What must not be sent twice gets a connection of its own, for this server does not keep them.
    const posted = await fetch(url, { method: "POST", body: "x" });
    expect(posted.status).toBe(200);
    expect(sockets).toHaveLength(3);
  });

  it("does not send again what must not be sent twice", async () => {
    fakeClock();
    const { url, sockets } = await backEnd((socket, count) => {
      if (count === 0) socket.write(ok);
      else socket.destroy();
    });
    await (await fetch(url)).text();
    // It was kept for so long that the server seems to keep it.
    vi.advanceTimersByTime(2000);
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(502);
    expect(sockets).toHaveLength(1);
  });

  it("does not ask more than once more, nor where the connection was new", async () => {
    const { url, sockets } = await backEnd((socket, count) => {
      if (count === 0) socket.write(ok);
      else socket.destroy();
    });
    await (await fetch(url)).text();
    expect((await fetch(url)).status).toBe(502);
    expect(sockets).toHaveLength(2);
    expect((await fetch(url)).status).toBe(502);
    expect(sockets).toHaveLength(3);
  });

  it("opens no more than maxConnections, and answers 503 to what finds the queue full or waits too long", async () => {
    fakeClock();
    const { url, sockets } = await backEnd(() => {}, { maxConnections: 1, maxQueued: 1, queueSeconds: 5, idleSeconds: 60 });
    const first = fetch(url).catch(() => undefined);
    await eventually(() => (sockets[0]?.bytesRead ?? 0) > 0);
    const others = [fetch(url), fetch(url)];
    const full = await Promise.race(others);
    expect(full.status).toBe(503);
    vi.advanceTimersByTime(6000);
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([503, 503]);
    expect(sockets).toHaveLength(1);
    sockets[0]?.write(ok);
    expect((await first)?.status).toBe(200);
  });

  it("gives a connection that has become free to who waits", async () => {
    const { url, sockets } = await backEnd(ok, { maxConnections: 2 });
    const all = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(url)).text()));
    expect(new Set(all)).toEqual(new Set(["body"]));
    expect(sockets.length).toBeLessThanOrEqual(2);
  });

  it("closes connections that nobody uses, after keepAliveSeconds or what the server says", async () => {
    fakeClock();
    const { url, sockets } = await backEnd(ok.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=2, max=100\r\n\r\n"), {
      keepAliveSeconds: 30,
    });
    await (await fetch(url)).text();
    vi.advanceTimersByTime(2000);
    await turns();
    expect(sockets[0]?.closed).toBe(false);
    vi.advanceTimersByTime(1000);
    await eventually(() => sockets[0]?.readableEnded === true || sockets[0]?.closed === true);
  });
});
