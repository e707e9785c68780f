import {
  compose,
  ExchangeAborted,
  FileWrapper,
  isThenable,
  type Application,
  type ApplicationLike,
  type Environ,
  type ResponseBody,
} from "@gateway/core";
import { inputStream } from "@gateway/core/gateway";
import { buildEnviron, client, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits, type LimitsOptions } from "./index.ts";
import { importExample } from "@gateway/testing/readme";

type Client = ReturnType<typeof client>;

/** The layer with a validator on both sides. */
function served(options: LimitsOptions, app: ApplicationLike): Client {
  return client(limits(options)(validator(app)));
}

const text = (startResponse: Parameters<Application>[1], words: string): ResponseBody => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(words)];
};
const hello: Application = (_environ, startResponse) => text(startResponse, "hello");

/** Something that another waits for. */
class Latch {
  readonly reached: Promise<void>;
  release: () => void = () => {};

  constructor() {
    this.reached = new Promise((resolve) => (this.release = resolve));
  }
}

/** Lets everything run that is due. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("limits", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("runs the README's example", async () => {
    const app = (await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/limits": new URL("index.ts", import.meta.url),
    })) as Application;
    const http = client(app);
    expect((await http.post("/", { body: "some words" })).text()).toBe("10 bytes\n");
    const refused = await http.post("/", { body: new Uint8Array(1_048_577) });
    expect([refused.status, refused.text()]).toEqual([413, "The request body has more than the 1048576 bytes that are allowed.\n"]);
  });

  it("checks its options while wrapping", () => {
    for (const options of [
      { bodyBytes: -1 },
      { bodyBytes: 1.5 },
      { seconds: 0 },
      { seconds: NaN },
      { seconds: 1e9 },
      { concurrency: 0 },
      { concurrency: 1.5 },
      { queue: -1 },
      { queue: Infinity },
      { queueSeconds: -1 },
      { retryAfterSeconds: 0.5 },
      { retryAfterSeconds: Infinity },
    ]) {
      expect(() => limits(options), JSON.stringify(options)).toThrow(RangeError);
    }
    expect(() => limits({ bodyBytes: "1" as unknown as number })).toThrow(TypeError);
    expect(() => limits({ seconds: "1" as unknown as number })).toThrow(TypeError);
    expect(() => limits({ onRefused: 1 as unknown as () => void })).toThrow(TypeError);
    expect(() => limits({ second: 5 } as object)).toThrow("limits: there is no option second: there are bodyBytes, seconds");
  });

  it("leaves a synchronous application synchronous, and its body the body it is", () => {
    const array = [Buffer.from("hello")];
    const file = new FileWrapper({ read: () => new Uint8Array(0) });
    for (const body of [array, file] as ResponseBody[]) {
      const app = limits({ concurrency: 1 })((_environ: Environ, startResponse) => {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        return body;
      });
      expect(app(buildEnviron(), () => () => {})).toBe(body);
    }
    const stream = limits()((_environ: Environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return (function* () {
        yield Buffer.from("hello");
      })();
    })(buildEnviron(), () => () => {});
    expect(isThenable(stream)).toBe(false);
    expect(Symbol.iterator in stream && Symbol.asyncIterator in stream).toBe(false);
  });

  it.each<[string, Application]>([
    ["an array", hello],
    ["a promise of an array", async (_environ, startResponse) => text(startResponse, "hello")],
    [
      "a late startResponse",
      function* (_environ, startResponse) {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield Buffer.from("hel");
        yield Buffer.from("lo");
      },
    ],
    [
      "an async stream",
      async function* (_environ, startResponse) {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield Buffer.from("hel");
        yield Buffer.from("lo");
      },
    ],
    [
      "write()",
      (_environ, startResponse) => {
        void startResponse("200 OK", [["Content-Type", "text/plain"]])(Buffer.from("hel"));
        return [Buffer.from("lo")];
      },
    ],
    [
      "write() of an asynchronous application",
      async (_environ, startResponse) => {
        await startResponse("200 OK", [["Content-Type", "text/plain"]])(Buffer.from("hel"));
        return [Buffer.from("lo")];
      },
    ],
  ])("lets %s pass", async (_name, app) => {
    const http = served({ concurrency: 1 }, app);
    for (let i = 0; i < 3; i++) {
      expect((await http.get("/")).text()).toBe("hello");
      expect((await http.head("/")).status).toBe(200);
    }
  });

  it.each([204, 304])("lets a %i pass", async (code) => {
    const http = served({ concurrency: 1 }, (_environ: Environ, startResponse) => {
      startResponse(`${code} x`, []);
      return [];
    });
    expect((await http.get("/")).status).toBe(code);
    expect((await http.get("/")).status).toBe(code);
  });

  it("lets errors pass, before and after the head, and a body that is left early be closed", async () => {
    const error = new Error("mine");
    const before = served({ concurrency: 1 }, async () => {
      throw error;
    });
    expect((await before.get("/", { errors: "expected" })).status).toBe(500);
    expect((await before.get("/", { errors: "expected" })).status).toBe(500);
    const sync = served({ concurrency: 1 }, () => {
      throw error;
    });
    expect((await sync.get("/", { errors: "expected" })).status).toBe(500);
    expect((await sync.get("/", { errors: "expected" })).status).toBe(500);
    const after = served({ concurrency: 1 }, async function* (_environ: Environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("hel");
      throw error;
    });
    await expect(after.get("/", { errors: "expected" })).rejects.toThrow(ResponseAborted);
    let isReleased = false;
    const endless = served({ concurrency: 1 }, async function* (_environ: Environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      try {
        for (;;) yield Buffer.from("again");
      } finally {
        isReleased = true;
      }
    });
    const response = await endless.open("GET", "/");
    response.abort();
    await response.finished;
    expect(isReleased).toBe(true);
    (await endless.open("GET", "/")).abort();
  });

  describe("the body", () => {
    const count: Application = async (environ, startResponse) => {
      let bytes = 0;
      for await (const chunk of environ["wsgi.input"]) bytes += chunk.length;
      return text(startResponse, `${bytes}`);
    };

    it("is refused by its Content-Length before the application runs", async () => {
      const app = vi.fn<Application>(count);
      const onRefused = vi.fn<NonNullable<LimitsOptions["onRefused"]>>();
      const http = served({ bodyBytes: 10, onRefused }, app);
      const response = await http.post("/", { body: "12345678901" });
      expect([response.status, response.text()]).toEqual([413, "The request body has more than the 10 bytes that are allowed.\n"]);
      expect(app).not.toHaveBeenCalled();
      expect(onRefused.mock.calls.map(([why]) => why)).toEqual(["body"]);
      expect((await http.post("/", { body: "1234567890" })).text()).toBe("10");
    });

    it.each(["99999999999999999999999", "nonsense"])("is refused with a length of %s", (length) => {
      const app = limits({ bodyBytes: 10 })(hello);
      expect(() => app(buildEnviron({ overrides: { CONTENT_LENGTH: length } }), () => () => {})).toThrow("more than the 10 bytes");
    });

    it.each([1, 3, 11, 64])("is refused while it streams, in chunks of %i bytes", async (splitEvery) => {
      const http = served({ bodyBytes: 10 }, count);
      expect((await http.post("/", { body: "12345678901", chunked: true, splitEvery })).status).toBe(413);
      expect((await http.post("/", { body: "1234567890", chunked: true, splitEvery })).text()).toBe("10");
    });

    it("is refused for every way of reading, also when it is read on", async () => {
      const readers: readonly ((environ: Environ) => Promise<unknown>)[] = [
        (environ) => environ["wsgi.input"].read(),
        (environ) => environ["wsgi.input"].read(100),
        (environ) => environ["wsgi.input"].readline(),
        (environ) => environ["wsgi.input"].readlines(),
      ];
      for (const read of readers) {
        const http = served({ bodyBytes: 10 }, async (environ: Environ, startResponse) => {
          await read(environ).catch(() => {});
          await read(environ);
          return text(startResponse, "read");
        });
        expect((await http.post("/", { body: "12345678901", chunked: true })).status).toBe(413);
      }
    });

    it("is not read beyond its limit", async () => {
      let pulled = 0;
      const environ = buildEnviron({
        method: "POST",
        source: {
          pull: () => {
            pulled++;
            return new Uint8Array(4);
          },
        },
      });
      const answer = limits({ bodyBytes: 10 })(count)(environ, () => () => {});
      await expect(answer).rejects.toThrow("more than the 10 bytes");
      expect(pulled).toBe(3);
    });

    it("is not touched where its length is known, where there is none, or where any is allowed", () => {
      const seen: unknown[] = [];
      const app: Application = (environ, startResponse) => {
        seen.push(environ["wsgi.input"]);
        return hello(environ, startResponse);
      };
      const stream = inputStream({ pull: () => undefined });
      const known = buildEnviron({ overrides: { "wsgi.input": stream, CONTENT_LENGTH: "5" } });
      void limits()(app)(known, () => () => {});
      const empty = buildEnviron();
      const none = empty["wsgi.input"];
      void limits()(app)(empty, () => () => {});
      void limits({ bodyBytes: Infinity })(app)(buildEnviron({ overrides: { "wsgi.input": stream } }), () => () => {});
      expect(seen).toEqual([stream, none, stream]);
    });
  });

  describe("the time", () => {
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

  describe("the concurrency", () => {
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

  it("stands between other layers", async () => {
    const app = compose(limits({ bodyBytes: 100 }), limits({ bodyBytes: 10, seconds: 5 }))(hello);
    const http = client(app);
    expect((await http.post("/", { body: "x".repeat(11) })).text()).toContain("10 bytes");
    expect((await http.post("/", { body: "x".repeat(101) })).text()).toContain("100 bytes");
    expect((await http.get("/")).text()).toBe("hello");
  });
});
