import { text } from "node:stream/consumers";
import type { Application } from "@gateway/core";
import { campaignTimeout, eventually, scaled, seededRandom, turns } from "@gateway/testing/campaign";
import { describe, expect, it, vi } from "vitest";
import type { FastcgiClientOptions } from "./client.ts";
import { ask, canned, echo, end, get, hello, ok, post, served } from "./test-client.ts";
import { rec } from "./test-records.ts";

describe("the connections of a FastCGI client", () => {
  it("keeps a connection for the next request, or none", async () => {
    const kept = await served(hello);
    for (let i = 0; i < 5; i++) await ask(kept.client);
    expect(kept.accepted()).toBe(1);
    const fresh = await served(hello, { keepAlive: false });
    for (let i = 0; i < 5; i++) await ask(fresh.client);
    expect(fresh.accepted()).toBe(5);
  });

  it("makes a connection for each request at once, up to maxConnections, and the rest waits", async () => {
    let running = 0;
    let most = 0;
    const app: Application = async (environ, startResponse) => {
      most = Math.max(most, ++running);
      await turns();
      running--;
      return hello(environ, startResponse);
    };
    const all = async (options: Partial<FastcgiClientOptions>): Promise<[number, number]> => {
      most = 0;
      const { client, accepted } = await served(app, options);
      const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(client, get(`/${i}`))));
      expect(answers).toEqual(Array.from({ length: 12 }, (_, i) => `hello /${i}`));
      return [accepted(), most];
    };
    expect((await all({}))[0]).toBe(12);
    expect(await all({ maxConnections: 3 })).toEqual([3, 3]);
    expect(await all({ maxConnections: 1, multiplex: 20 })).toEqual([1, 12]);
    expect((await all({ maxConnections: 2, multiplex: 3 }))[0]).toBe(2);
  });

  it(
    "loses and mixes up nothing while it multiplexes: bodies of any size both ways, and aborts between them",
    async () => {
      const { client, accepted, errors } = await served(echo, { maxConnections: 2, multiplex: 25 }, { multiplex: true });
      const random = seededRandom(5);
      const requests = scaled(3000);
      let next = 0;
      let aborted = 0;
      const work = async (): Promise<void> => {
        while (next < requests) {
          const mark = `${next++} `;
          const body = Buffer.from(mark.repeat(1 + Math.floor(random() ** 4 * 20_000)));
          const cut = 1 + Math.floor(random() * body.length);
          const isKnown = random() < 0.5;
          const request = post([body.subarray(0, cut), body.subarray(cut)], isKnown ? body.length : undefined);
          const controller = new AbortController();
          const isAborted = random() < 0.2;
          const response = client.request({ ...request, signal: controller.signal });
          if (isAborted) {
            const when = Math.floor(random() * 3);
            if (when > 0) await response.catch(() => {});
            if (when === 2) await turns(1);
            controller.abort(new Error("enough"));
            await response.then(
              async ({ body: rest }) => text(rest).catch((error: Error) => expect(error.message).toBe("enough")),
              (error: Error) => expect(error.message).toBe("enough"),
            );
            aborted++;
            continue;
          }
          const got = await text((await response).body);
          expect(got.length).toBe(body.length);
          expect(got).toBe(body.toString());
        }
      };
      await Promise.all(Array.from({ length: 40 }, work));
      console.log(`${requests} requests on ${accepted()} connections, ${aborted} of them aborted`);
      expect(accepted()).toBe(2);
      expect(errors).toEqual([]);
    },
    campaignTimeout,
  );

  it("sends a safe request again, once, where a connection that was kept turns out to be closed", async () => {
    let answers = 0;
    const { client, sockets } = await canned((socket) => {
      socket.write(rec(6, 1, ok) + end(1), "latin1");
      // The next request on it is lost.
      socket.on("data", () => socket.destroy());
      answers++;
    });
    expect(await ask(client)).toBe("body");
    expect(await ask(client)).toBe("body");
    expect(answers).toBe(2);
    // What must not be sent twice gets a connection of its own, for this server does not keep them.
    expect(await ask(client, post([]))).toBe("body");
    expect(sockets).toHaveLength(3);
  });

  it("does not send again what must not be sent twice", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, sockets } = await canned((socket) => {
      socket.write(rec(6, 1, ok) + end(1), "latin1");
      socket.on("data", () => socket.destroy());
    });
    expect(await ask(client)).toBe("body");
    // It was kept for so long that the server seems to keep it.
    vi.advanceTimersByTime(2000);
    await expect(ask(client, post([]))).rejects.toMatchObject({ code: "TRUNCATED" });
    expect(sockets).toHaveLength(1);
  });

  it("makes room for it among as many connections as there may be", async () => {
    const { client, sockets } = await canned((socket) => void socket.write(rec(6, 1, ok) + end(1), "latin1"), {
      maxConnections: 1,
    });
    expect(await ask(client)).toBe("body");
    expect(await ask(client, post([]))).toBe("body");
    expect(sockets).toHaveLength(2);
  });

  it("keeps connections for all once the server has answered twice on one", async () => {
    const { client, accepted } = await served(hello);
    for (const request of [get(), get(), post([]), post([])]) await ask(client, request);
    expect(accepted()).toBe(1);
  });

  it("closes a connection while another has not been answered at all: its worker may be the one that is waited for", async () => {
    let goOn = (): void => {};
    const slow: Application = async (environ, startResponse) => {
      if (environ.PATH_INFO === "/slow") await new Promise<void>((resolve) => (goOn = resolve));
      return hello(environ, startResponse);
    };
    const { client, accepted } = await served(slow);
    const first = ask(client, get("/slow"));
    await eventually(() => accepted() === 1);
    await ask(client);
    await ask(client);
    expect(accepted()).toBe(3);
    goOn();
    await first;
    await ask(client);
    await ask(client);
    expect(accepted()).toBe(3);
  });

  it("refuses what has waited too long for a connection, and what comes when too many wait", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, received } = await canned(() => {}, { maxConnections: 1, maxQueued: 1, queueSeconds: 5 });
    const first = client.request(get());
    first.catch(() => {});
    const second = client.request(get());
    second.catch(() => {});
    await eventually(() => received() !== "");
    await expect(client.request(get())).rejects.toMatchObject({ code: "OVERLOADED" });
    vi.advanceTimersByTime(6000);
    await expect(second).rejects.toMatchObject({ code: "OVERLOADED" });
    client.close();
  });

  it("forgets a connection that the server closed while it was idle", async () => {
    const { client, sockets } = await canned((socket) => socket.end(rec(6, 1, ok) + end(1), "latin1"));
    for (let i = 1; i <= 3; i++) {
      expect(await ask(client, post([]))).toBe("body");
      await eventually(() => sockets.length === i && sockets.every((socket) => socket.closed));
      await turns();
    }
  });

  it("closes a connection that was idle for keepAliveSeconds", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, sockets } = await canned((socket) => socket.write(rec(6, 1, ok) + end(1), "latin1"), { keepAliveSeconds: 5 });
    await ask(client);
    vi.advanceTimersByTime(5000);
    await turns();
    expect(sockets[0]?.closed).toBe(false);
    vi.advanceTimersByTime(1000);
    await eventually(() => sockets[0]?.closed === true);
  });
});
