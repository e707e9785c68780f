import type { Application, Environ, ResponseBody } from "@gateway/core";
import { ResponseAborted } from "@gateway/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LimitsOptions } from "./index.ts";
import { hello, Latch, served, settled, text } from "./test-served.ts";

describe("the concurrency within limits()", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const gatedApp =
    (latch: Latch, running: { count: number; most: number }): Application =>
    async (_environ, startResponse) => {
      running.most = Math.max(running.most, ++running.count);
      await latch.reached;
      running.count--;
      return text(startResponse, "hello");
    };

  it("is never exceeded, and nobody who may wait is refused", async () => {
    const latch = new Latch();
    const running = { count: 0, most: 0 };
    const http = served({ concurrency: 3, queue: 7 }, gatedApp(latch, running));
    const answers = Array.from({ length: 12 }, () => http.get("/"));
    await settled();
    expect(running.count).toBe(3);
    latch.release();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBe(10);
    expect(statuses.slice(10)).toEqual([503, 503]);
    expect(running).toEqual({ count: 0, most: 3 });
  });

  it("answers 503 with Retry-After when the queue is full, and to who waited too long", async () => {
    const onRefused = vi.fn<NonNullable<LimitsOptions["onRefused"]>>();
    const latch = new Latch();
    const http = served(
      { concurrency: 1, queue: 1, queueSeconds: 2, retryAfterSeconds: 4, onRefused },
      gatedApp(latch, { count: 0, most: 0 }),
    );
    const [first, second, third] = [http.get("/"), http.get("/"), http.get("/")];
    const full = await third;
    expect([full.status, full.headers.get("Retry-After"), full.text()]).toEqual([
      503,
      "4",
      "The server is busy. Please try again.\n",
    ]);
    await vi.advanceTimersByTimeAsync(2200);
    expect((await second).status).toBe(503);
    latch.release();
    expect((await first).status).toBe(200);
    expect(onRefused.mock.calls.map(([why]) => why)).toEqual(["full", "waited"]);
  });

  it("frees the place when the response is closed, not when it is returned", async () => {
    const http = served({ concurrency: 1, queue: 0 }, async function* (_environ: Environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("a");
      yield Buffer.from("b");
    });
    const response = await http.open("GET", "/");
    expect((await http.get("/")).status).toBe(503);
    response.abort();
    await response.finished;
    expect((await http.get("/")).text()).toBe("ab");
  });

  it("lets a client that leaves out of the queue, and gives its place to nobody twice", async () => {
    const latch = new Latch();
    const running = { count: 0, most: 0 };
    const http = served({ concurrency: 1, queue: 2 }, gatedApp(latch, running));
    const first = http.get("/");
    const leaving = new AbortController();
    const second = http.get("/", { signal: leaving.signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    const third = http.get("/");
    await settled();
    leaving.abort();
    expect(await second).toBeInstanceOf(ResponseAborted);
    // There is room in the queue again.
    const fourth = http.get("/");
    latch.release();
    expect((await Promise.all([first, third, fourth])).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(running).toEqual({ count: 0, most: 1 });
  });

  it("counts the time of a request from the moment it is inside", async () => {
    const latch = new Latch();
    const http = served({ concurrency: 1, seconds: 2, queueSeconds: 10 }, async (environ: Environ, startResponse) => {
      if (environ.PATH_INFO === "/slow") return new Promise<ResponseBody>(() => {});
      await latch.reached;
      return text(startResponse, "hello");
    });
    const slow = http.get("/slow");
    const next = http.get("/");
    await vi.advanceTimersByTimeAsync(2200);
    expect((await slow).status).toBe(503);
    await vi.advanceTimersByTimeAsync(1500);
    latch.release();
    expect((await next).status).toBe(200);
  });

  it("reports what onRefused throws, and answers all the same", async () => {
    const http = served(
      {
        bodyBytes: 1,
        onRefused: () => {
          throw new Error("in the listener");
        },
      },
      hello,
    );
    const response = await http.post("/", { body: "ab", errors: "expected" });
    expect(response.status).toBe(413);
    expect(response.errors).toContain("in the listener");
  });
});
