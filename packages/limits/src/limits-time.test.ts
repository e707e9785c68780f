import { ExchangeAborted, type Environ, type ResponseBody } from "@gateway/core";
import { buildEnviron, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits, type LimitsOptions } from "./index.ts";
import { Latch, served, settled, text } from "./test-served.ts";

describe("the time of a request within limits()", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("ends with a 503 while the head is not out, whatever startResponse was told", async () => {
    for (const starts of [false, true]) {
      const signals: AbortSignal[] = [];
      const onRefused = vi.fn<NonNullable<LimitsOptions["onRefused"]>>();
      const http = served({ seconds: 2, retryAfterSeconds: 7, onRefused }, async (environ: Environ, startResponse) => {
        signals.push(environ["gateway.exchange"].signal);
        if (starts) startResponse("200 OK", [["Content-Type", "text/plain"]]);
        return new Promise<ResponseBody>(() => {});
      });
      const answer = http.get("/");
      await settled();
      await vi.advanceTimersByTimeAsync(1999);
      expect(signals[0]?.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(201);
      const response = await answer;
      expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "7"]);
      expect(response.text()).toBe("The request took longer than the server allows. Please try again.\n");
      const reason: unknown = signals[0]?.reason;
      expect(reason).toBeInstanceOf(ExchangeAborted);
      expect(reason).toMatchObject({ code: "TIME_LIMIT" });
      expect(onRefused.mock.calls.map(([why]) => why)).toEqual(["time"]);
    }
  });

  it("aborts a signal that is read only afterwards", async () => {
    const exchanges: Environ["gateway.exchange"][] = [];
    const http = served({ seconds: 1 }, async (environ: Environ) => {
      exchanges.push(environ["gateway.exchange"]);
      return new Promise<ResponseBody>(() => {});
    });
    const answer = http.get("/");
    await vi.advanceTimersByTimeAsync(1100);
    expect((await answer).status).toBe(503);
    expect(exchanges[0]?.signal.aborted).toBe(true);
  });

  it("closes a body that comes too late, once, and takes nothing from the application any more", async () => {
    const close = vi.fn<() => void>();
    const late = new Latch();
    const refusals: unknown[] = [];
    const http = served({ seconds: 1 }, async (_environ: Environ, startResponse) => {
      await late.reached;
      const write = startResponse("200 OK", [["Content-Type", "text/plain"]]);
      try {
        await write(Buffer.from("x"));
      } catch (error) {
        refusals.push(error);
      }
      return Object.assign([], { close });
    });
    const answer = http.get("/");
    await vi.advanceTimersByTimeAsync(1100);
    const response = await answer;
    expect(response.status).toBe(503);
    late.release();
    await settled();
    expect(close).toHaveBeenCalledTimes(1);
    expect(refusals).toEqual([expect.objectContaining({ code: "TIME_LIMIT" })]);
  });

  it("says nothing of an application that stops because of it, and reports what else it throws", async () => {
    const errors: string[] = [];
    for (const [reject, isReported] of [
      [(reason: unknown) => reason, false],
      [(reason: unknown) => new Error("stopped", { cause: reason }), false],
      [() => new Error("something else"), true],
    ] as const) {
      errors.length = 0;
      const app = limits({ seconds: 1 })(
        validator(
          async (environ: Environ) =>
            new Promise<ResponseBody>((_resolve, rejected) => {
              const { signal } = environ["gateway.exchange"];
              signal.addEventListener("abort", () => rejected(reject(signal.reason)));
            }),
        ),
      );
      const answer = app(buildEnviron({ errors: (words) => errors.push(words) }), () => () => {});
      const failure = Promise.resolve(answer).then(
        () => undefined,
        (error: unknown) => error,
      );
      await vi.advanceTimersByTimeAsync(1100);
      expect(await failure).toMatchObject({ status: "503 Service Unavailable" });
      await settled();
      expect(errors.join("").includes("something else")).toBe(isReported);
      if (!isReported) expect(errors).toEqual([]);
    }
  });

  it("breaks the response off after the head, and leaves the body", async () => {
    let isReleased = false;
    const http = served({ seconds: 1 }, async function* (environ: Environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      try {
        yield Buffer.from("begun");
        const { signal } = environ["gateway.exchange"];
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      } finally {
        isReleased = true;
      }
    });
    const response = await http.open("GET", "/", { errors: "expected" });
    const chunks = response.body[Symbol.asyncIterator]();
    expect((await chunks.next()).value).toEqual(new Uint8Array(Buffer.from("begun")));
    const next = chunks.next().then(
      () => undefined,
      (error: unknown) => error,
    );
    await settled();
    await vi.advanceTimersByTimeAsync(1100);
    expect(await next).toBeInstanceOf(ResponseAborted);
    expect((await response.finished).outcome).toBe("failed");
    await settled();
    expect(isReleased).toBe(true);
  });

  it("answers 503 for a stream that has not begun, and closes it", async () => {
    const close = vi.fn<() => void>();
    const returned = vi.fn<() => void>();
    const http = served({ seconds: 1 }, (_environ: Environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise(() => {}),
          return: async () => {
            returned();
            return { done: true, value: undefined };
          },
        }),
        close,
      };
    });
    const answer = http.get("/");
    await vi.advanceTimersByTimeAsync(1100);
    expect((await answer).status).toBe(503);
    expect([returned, close].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  });

  it.each(["synchronous", "asynchronous"])(
    "breaks a %s stream off that a client reads slowly, when its next chunk is due",
    async (kind) => {
      const close = vi.fn<() => void>();
      function* chunks(): Generator<Uint8Array> {
        try {
          for (;;) yield Buffer.from("again");
        } finally {
          close();
        }
      }
      async function* later(): AsyncGenerator<Uint8Array> {
        yield* chunks();
      }
      const http = served({ seconds: 1 }, (_environ: Environ, startResponse) => {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        return kind === "synchronous" ? chunks() : later();
      });
      const response = await http.open("GET", "/", { errors: "expected" });
      const reader = response.body[Symbol.asyncIterator]();
      await reader.next();
      await vi.advanceTimersByTimeAsync(1100);
      const rest = (async () => {
        for (;;) if ((await reader.next()).done === true) return;
      })();
      await expect(rest).rejects.toThrow(ResponseAborted);
      await expect(response.finished).resolves.toMatchObject({ outcome: "failed" });
      expect(close).toHaveBeenCalledTimes(1);
    },
  );

  it("breaks off what was begun with write()", async () => {
    const http = served({ seconds: 1 }, async (_environ: Environ, startResponse) => {
      const write = startResponse("200 OK", [["Content-Type", "text/plain"]]);
      await write(Buffer.from("begun"));
      return new Promise<ResponseBody>(() => {});
    });
    const answer = http.get("/", { errors: "expected" }).then(
      () => undefined,
      (error: unknown) => error,
    );
    await settled();
    await vi.advanceTimersByTimeAsync(1100);
    expect(await answer).toBeInstanceOf(ResponseAborted);
  });

  it("does not touch a request that was in time, however long ago", async () => {
    const signals: AbortSignal[] = [];
    const http = served({ seconds: 1 }, async (environ: Environ, startResponse) => {
      signals.push(environ["gateway.exchange"].signal);
      return text(startResponse, "hello");
    });
    expect((await http.get("/")).text()).toBe("hello");
    await vi.advanceTimersByTimeAsync(5000);
    expect(signals[0]?.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("does not count for a stream that was left", async () => {
    const onRefused = vi.fn<NonNullable<LimitsOptions["onRefused"]>>();
    const http = served({ seconds: 1, onRefused }, async function* (_environ: Environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      for (;;) yield Buffer.from("again");
    });
    const response = await http.open("GET", "/");
    response.abort();
    await response.finished;
    await vi.advanceTimersByTimeAsync(5000);
    expect(onRefused).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("hands the abortion of the exchange outside on", async () => {
    const reasons: unknown[] = [];
    const http = served({}, async function* (environ: Environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("begun");
      const { signal } = environ["gateway.exchange"];
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      reasons.push(signal.reason);
    });
    const response = await http.open("GET", "/");
    await response.body[Symbol.asyncIterator]().next();
    await settled();
    response.abort();
    await response.finished;
    await settled();
    expect(reasons).toEqual([expect.objectContaining({ code: "CLIENT_GONE" })]);
  });

  it("hands early hints and the end of the exchange on", async () => {
    const endings: unknown[] = [];
    const http = served({}, (environ: Environ, startResponse) => {
      environ["gateway.exchange"].earlyHints([["Link", "</a.css>; rel=preload"]]);
      environ["gateway.exchange"].onEnd((ending) => endings.push(ending.outcome));
      return text(startResponse, "hello");
    });
    const response = await http.get("/");
    expect(response.earlyHints.length).toBe(1);
    expect(endings).toEqual(["finished"]);
  });

  it("has one timer for a thousand requests", async () => {
    const latch = new Latch();
    const http = served({ seconds: 10 }, async (_environ: Environ, startResponse) => {
      await latch.reached;
      return text(startResponse, "hello");
    });
    const answers = Array.from({ length: 1000 }, () => http.get("/"));
    await settled();
    expect(vi.getTimerCount()).toBe(1);
    latch.release();
    for (const answer of answers) expect((await answer).status).toBe(200);
    await vi.advanceTimersByTimeAsync(1000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
