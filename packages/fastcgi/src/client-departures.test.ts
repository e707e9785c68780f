import { text } from "node:stream/consumers";
import { eventually, turns } from "@gateway/testing/campaign";
import { describe, expect, it, vi } from "vitest";
import { canned, get, post, served } from "./test-client.ts";
import { rec } from "./test-records.ts";

describe("a FastCGI client that does not wait", () => {
  it("sends ABORT_REQUEST where it multiplexes: close() runs, the connection and the other request go on", async () => {
    const outcomes: string[] = [];
    const { client, accepted } = await served(
      async function* waits(environ, startResponse) {
        environ["gateway.exchange"].onEnd(({ outcome }) => outcomes.push(outcome));
        startResponse("200 OK", []);
        yield Buffer.from("begun");
        const { signal } = environ["gateway.exchange"];
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
      { multiplex: 4 },
    );
    const [first, second] = await Promise.all([client.request(get()), client.request(get())]);
    first.body.close();
    await eventually(() => outcomes.length === 1);
    expect(outcomes).toEqual(["gone"]);
    second.body.close();
    await eventually(() => outcomes.length === 2);
    (await client.request(get())).body.close();
    await eventually(() => outcomes.length === 3);
    expect(accepted()).toBe(1);
  });

  it("closes the connection where a request runs alone on it: close() runs", async () => {
    const outcomes: string[] = [];
    const { client, accepted } = await served(async function* waits(environ, startResponse) {
      environ["gateway.exchange"].onEnd(({ outcome }) => outcomes.push(outcome));
      startResponse("200 OK", []);
      yield Buffer.from("begun");
      const { signal } = environ["gateway.exchange"];
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    for (let i = 1; i <= 2; i++) {
      // Leaving the loop leaves the response.
      for await (const chunk of (await client.request(get())).body) {
        expect(Buffer.from(chunk).toString()).toBe("begun");
        break;
      }
      await eventually(() => outcomes.length === i);
    }
    expect(outcomes).toEqual(["gone", "gone"]);
    expect(accepted()).toBe(2);
  });

  it("rejects with the reason of a signal, before the connection, before the head and in the body", async () => {
    const { client } = await served(async function* waits(environ, startResponse) {
      const { signal } = environ["gateway.exchange"];
      const left = new Promise((resolve) => signal.addEventListener("abort", resolve));
      if (environ.PATH_INFO === "/head") await left;
      startResponse("200 OK", []);
      yield Buffer.from("begun");
      await left;
    });
    const reason = new Error("enough");
    await expect(client.request(get("/", { signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    const early = new AbortController();
    const connecting = client.request(get("/", { signal: early.signal }));
    early.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    const waiting = new AbortController();
    const head = client.request(get("/head", { signal: waiting.signal }));
    await turns(5);
    waiting.abort(reason);
    await expect(head).rejects.toBe(reason);
    const reading = new AbortController();
    const response = await client.request(get("/", { signal: reading.signal }));
    reading.abort(reason);
    await expect(text(response.body)).rejects.toBe(reason);
  });

  it("gives up on a server that does nothing for idleSeconds, and on nobody else", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, received } = await canned(() => {}, { idleSeconds: 10 });
    const response = client.request(get());
    response.catch(() => {});
    await eventually(() => received() !== "");
    vi.advanceTimersByTime(10_000);
    await turns();
    const raced = await Promise.race([response.catch(() => "failed"), turns(3)]);
    expect(raced).toBeUndefined();
    vi.advanceTimersByTime(1000);
    await expect(response).rejects.toMatchObject({ code: "TIME_LIMIT" });
    // Whoever makes the body may take his time.
    let pulls = 0;
    async function* slow(): AsyncGenerator<Uint8Array> {
      pulls++;
      await new Promise(() => {});
      yield Buffer.alloc(0);
    }
    const before = received().length;
    const slowly = client.request(post(slow()));
    let failed = false;
    slowly.catch(() => (failed = true));
    await eventually(() => pulls === 1 && received().length > before);
    vi.advanceTimersByTime(100_000);
    await turns();
    expect(failed).toBe(false);
    client.close();
  });

  it("gives up the place of a request that was aborted and that the server does not end", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, sockets, received } = await canned(() => {}, { multiplex: 2, idleSeconds: 5 });
    const controller = new AbortController();
    const response = client.request(get("/", { signal: controller.signal }));
    response.catch(() => {});
    await eventually(() => received() !== "");
    controller.abort();
    await eventually(() => received().includes(rec(2, 1)));
    vi.advanceTimersByTime(6000);
    await eventually(() => sockets[0]?.closed === true);
  });
});
