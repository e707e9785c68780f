import { compose, FileWrapper, isThenable, type Application, type Environ, type ResponseBody } from "@gateway/core";
import { buildEnviron, client, ResponseAborted } from "@gateway/testing";
import { importExample } from "@gateway/testing/readme";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { limits } from "./index.ts";
import { hello, served, text } from "./test-served.ts";

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

  it("takes an option that is undefined for one that is not given", async () => {
    const http = served(
      {
        bodyBytes: undefined,
        seconds: undefined,
        concurrency: undefined,
        queue: undefined,
        queueSeconds: undefined,
        retryAfterSeconds: undefined,
        onRefused: undefined,
      },
      hello,
    );
    expect((await http.post("/", { body: "x" })).text()).toBe("hello");
    const tooLong = buildEnviron({ overrides: { CONTENT_LENGTH: "16777217" } });
    expect(() => limits({ bodyBytes: undefined })(hello)(tooLong, () => () => {})).toThrow("more than the 16777216 bytes");
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

  it("stands between other layers", async () => {
    const app = compose(limits({ bodyBytes: 100 }), limits({ bodyBytes: 10, seconds: 5 }))(hello);
    const http = client(app);
    expect((await http.post("/", { body: "x".repeat(11) })).text()).toContain("10 bytes");
    expect((await http.post("/", { body: "x".repeat(101) })).text()).toContain("100 bytes");
    expect((await http.get("/")).text()).toBe("hello");
  });
});
