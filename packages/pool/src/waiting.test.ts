import { ExchangeAborted, type Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { drain, pool, poolState } from "./index.ts";
import { around, assertAllBack, buffered, plain, settle, type App } from "./test-around.ts";
import { FakeConnection, FakePool } from "./test-pool.ts";

let source: FakePool;
const { served, states } = around(() => source);

beforeEach(() => {
  source = new FakePool();
});

afterEach(() => {
  vi.useRealTimers();
  assertAllBack(source);
});

describe("pool, waiting for a connection", () => {
  it("answers 503 with Retry-After when the time is over, and gives back what comes late", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    source = new FakePool(1);
    const held = await source.acquire();
    const layer = pool(source, { acquireMilliseconds: 200, retryAfterSeconds: 7 });
    const request = client(validator(layer(validator(buffered() as Application) as App))).get("/");
    await settle();
    expect(poolState(layer)).toEqual({ held: 0, waiting: 1 });
    vi.advanceTimersByTime(200);
    const response = await request;
    expect([response.status, response.headers.get("retry-after"), response.text()]).toEqual([
      503,
      "7",
      "No connection to the database was free in time.\n",
    ]);
    expect(poolState(layer).waiting).toBe(0);
    source.release(held);
    await settle();
    expect(states()).toEqual(["free"]);
  });

  it("ends when the client leaves", async () => {
    source = new FakePool(1);
    const held = await source.acquire();
    const leaving = new AbortController();
    let outcome: unknown;
    const app = served(async (environ) => {
      outcome = await environ["gateway.connection"]().catch((error: unknown) => error);
      throw outcome;
    });
    const request = client(app).get("/", { signal: leaving.signal });
    await settle();
    const reason = new ExchangeAborted("CLIENT_GONE");
    leaving.abort(reason);
    await expect(request).rejects.toThrow("broken off");
    expect(outcome).toBeInstanceOf(Error);
    source.release(held);
    await settle();
  });

  it("lets the application try again after a failure", async () => {
    let failures = 1;
    const flaky = {
      acquire: () => (failures-- > 0 ? Promise.reject(new Error("no route")) : source.acquire()),
      release: (connection: FakeConnection) => source.release(connection),
      destroy: (connection: FakeConnection) => source.destroy(connection),
    };
    const app: App = async (environ, startResponse) => {
      const first = await environ["gateway.connection"]().then(
        () => "",
        (error: unknown) => String(error),
      );
      await environ["gateway.connection"]();
      startResponse("200 OK", plain());
      return [Buffer.from(first)];
    };
    expect((await client(validator(pool(flaky)(app))).get("/")).text()).toBe("Error: no route");
  });

  it("treats a pool that throws as one that rejects", async () => {
    const broken = {
      acquire: (): Promise<FakeConnection> => {
        throw new Error("thrown");
      },
      release: () => {},
      destroy: () => {},
    };
    const response = await client(pool(broken)(buffered())).get("/", { errors: "expected" });
    expect([response.status, response.errors]).toEqual([500, expect.stringContaining("thrown")]);
  });

  it("destroys the connection under code that goes on too long after its client has left", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let go: () => void = () => {};
    // In a transaction one chunk is held back.
    const app = (chunks: string): App =>
      async function* (environ, startResponse) {
        startResponse("200 OK", plain());
        await environ["gateway.connection"]();
        for (const chunk of chunks) yield Buffer.from(chunk);
        await new Promise<void>((resolve) => (go = resolve));
      };
    for (const transaction of [false, true]) {
      const response = await client(served(app(transaction ? "ab" : "a"), { transaction, graceMilliseconds: 300 })).open(
        "GET",
        "/",
      );
      for await (const chunk of response.body) if (chunk.length > 0) break;
      await settle();
      response.abort();
      await settle();
      expect(states().at(-1)).toBe("out");
      vi.advanceTimersByTime(300);
      expect((await response.finished).outcome).toBe("gone");
      expect(states().at(-1)).toBe("destroyed");
      go();
      await settle();
    }
  });

  it("drains: gives none any more, and resolves when all are back", async () => {
    let go: () => void = () => {};
    const layer = pool(source);
    const app: App = async (environ, startResponse) => {
      await environ["gateway.connection"]();
      await new Promise<void>((resolve) => (go = resolve));
      startResponse("200 OK", plain());
      return [];
    };
    const http = client(layer(app));
    const running = http.get("/");
    await settle();
    const drained: string[] = [];
    const all = [drain(layer).then(() => drained.push("one")), drain(layer).then(() => drained.push("two"))];
    expect((await http.get("/")).status).toBe(503);
    expect([drained, poolState(layer).held]).toEqual([[], 1]);
    go();
    expect((await running).status).toBe(200);
    await Promise.all(all);
    expect([drained, poolState(layer).held]).toEqual([["one", "two"], 0]);
    await drain(layer);
  });

  it("waits while draining for a connection that nobody wants any more", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    source = new FakePool(1);
    const held = await source.acquire();
    const layer = pool(source, { acquireMilliseconds: 1 });
    const request = client(layer(buffered())).get("/");
    await settle();
    vi.advanceTimersByTime(1);
    expect((await request).status).toBe(503);
    let isDrained = false;
    const drained = drain(layer).then(() => (isDrained = true));
    await settle();
    expect(isDrained).toBe(false);
    source.release(held);
    await drained;
  });
});
