import { compose, type AnyMiddleware, type Application } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { health, type Health, type HealthOptions } from "./index.ts";
import { layerConformance } from "@gateway/testing/layer";
import { importExample } from "@gateway/testing/readme";

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("hello")];
};

const around = (layer: AnyMiddleware & Health, app: Application = hello): Application => compose(layer, validator)(app);
const http = (options: HealthOptions = {}, errors: "fail" | "expected" | "ignore" = "fail") =>
  client(around(health(options)), { errors });

/** A clock that stands still. */
function clock(): { now: () => number; pass: (seconds: number) => void } {
  let milliseconds = 1000;
  return { now: () => milliseconds, pass: (seconds) => void (milliseconds += seconds * 1000) };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("health", () => {
  it("runs the example of the README", async () => {
    const before = process.listeners("SIGTERM");
    const example = await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/health": new URL("index.ts", import.meta.url),
    });
    const site = client(example as Application);
    expect((await site.get("/")).text()).toBe("Hello\n");
    expect((await site.get("/livez")).text()).toBe("live\n");
    expect((await site.get("/readyz")).text()).toBe("ready\n");
    const listener = process.listeners("SIGTERM").find((one) => !before.includes(one));
    expect(listener).toBeDefined();
    listener?.("SIGTERM");
    process.removeAllListeners("SIGTERM");
    expect([(await site.get("/readyz")).status, (await site.get("/livez")).status]).toEqual([503, 200]);
  });

  layerConformance((app) => around(health(), app), { describe, it });

  it("answers its two paths, HEAD too, and nobody may keep the answer", async () => {
    for (const [path, word] of [
      ["/livez", "live"],
      ["/readyz", "ready"],
    ] as const) {
      const response = await http().get(path);
      expect([response.statusLine, response.text(), response.headers.get("Cache-Control")]).toEqual([
        "200 OK",
        `${word}\n`,
        "no-store",
      ]);
      const head = await http().head(path);
      expect([head.status, head.bytes.length, head.headers.get("Content-Length")]).toEqual([200, 0, String(word.length + 1)]);
    }
  });

  it("leaves other paths to the application", async () => {
    for (const path of ["/", "/livez/", "/LIVEZ", "/a/readyz", "/livezz"]) expect((await http().get(path)).text()).toBe("hello");
    const other = http({ live: "/up", ready: false });
    expect((await other.get("/up")).text()).toBe("live\n");
    for (const path of ["/livez", "/readyz", "/false"]) expect((await other.get(path)).text()).toBe("hello");
    expect((await http({ live: false }).get("/livez")).text()).toBe("hello");
  });

  it("refuses other methods", async () => {
    for (const method of ["POST", "OPTIONS", "get"]) {
      const response = await http().request(method, "/readyz");
      expect([response.status, response.headers.get("Allow")]).toEqual([405, "GET, HEAD"]);
    }
  });

  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("away");
      },
    ],
    ["rejects", () => Promise.reject(new Error("away"))],
    ["gives false", () => false],
    ["promises false", async () => false],
  ])("is not ready when a check %s, and says so in the log once", async (_, away) => {
    const { now, pass } = clock();
    let check = away;
    const site = client(around(health({ now, checks: { fine: () => true, database: () => check() } })), { errors: "ignore" });
    const first = await site.get("/readyz");
    expect([first.status, first.text()]).toEqual([503, "not ready\n"]);
    expect(first.errors).toMatch(/^health: the check "database" fails: Error: (?:away|the check gave false)\n/);
    pass(2);
    const second = await site.get("/readyz");
    expect([second.status, second.errors]).toEqual([503, ""]);
    pass(2);
    check = () => undefined;
    expect((await site.get("/readyz")).status).toBe(200);
    pass(2);
    check = away;
    expect((await site.get("/readyz")).errors).toContain("database");
    expect((await site.get("/livez")).status).toBe(200);
  });

  it("keeps results for a second, and asks once for all who wait", async () => {
    const { now, pass } = clock();
    let asked = 0;
    let answer: () => void = () => {};
    const database = () => {
      asked++;
      return new Promise<void>((resolve) => (answer = resolve));
    };
    const site = http({ now, checks: { database } });
    const waiting = [site.get("/readyz"), site.get("/readyz"), site.get("/readyz")];
    answer();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200, 200]);
    pass(0.999);
    expect((await site.get("/readyz")).status).toBe(200);
    expect(asked).toBe(1);
    pass(0.001);
    const fresh = site.get("/readyz");
    answer();
    expect((await fresh).status).toBe(200);
    expect(asked).toBe(2);
  });

  it("asks again when the clock was set back, and keeps for ever where it is told so", async () => {
    const { now, pass } = clock();
    let asked = 0;
    const checks = { count: () => void asked++ };
    const site = http({ now, checks });
    await site.get("/readyz");
    pass(-3600);
    await site.get("/readyz");
    expect(asked).toBe(2);
    const always = http({ now, checks, cacheSeconds: Infinity });
    await always.get("/readyz");
    pass(1e9);
    await always.get("/readyz");
    expect(asked).toBe(3);
  });

  it("keeps nothing where it is told so", async () => {
    let asked = 0;
    const site = http({ cacheSeconds: 0, checks: { count: () => void asked++ } });
    await site.get("/readyz");
    await site.get("/readyz");
    expect(asked).toBe(2);
  });

  it("gives a check its time and no more, and does not pile up checks that hang", async () => {
    vi.useFakeTimers();
    let asked = 0;
    let resume: () => void = () => {};
    let signal: AbortSignal | undefined;
    const hanging = (given: AbortSignal) => {
      asked++;
      signal = given;
      return new Promise<void>((resolve) => (resume = resolve));
    };
    const site = http(
      { cacheSeconds: 0, timeoutSeconds: 3, checks: { hanging, fine: async () => {} }, details: () => true },
      "ignore",
    );
    const first = site.get("/readyz?verbose");
    await vi.advanceTimersByTimeAsync(2999);
    expect(signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await first).json()).toMatchObject({
      status: "not ready",
      checks: { hanging: { error: "the check took longer than 3 s" }, fine: { status: "pass" } },
    });
    expect(signal?.aborted).toBe(true);
    expect((await site.get("/readyz?verbose")).json()).toMatchObject({
      checks: { hanging: { error: "the check before this one has not come back" } },
    });
    expect(asked).toBe(1);
    resume();
    await Promise.resolve();
    await Promise.resolve();
    const again = site.get("/readyz");
    await vi.advanceTimersByTimeAsync(0);
    resume();
    expect((await again).status).toBe(200);
    expect([asked, vi.getTimerCount()]).toEqual([2, 0]);
  });

  it("is not ready while draining, runs no check then, and stays live", async () => {
    let asked = 0;
    const controller = new AbortController();
    const bySignal = health({ signal: controller.signal, checks: { count: () => void asked++ } });
    const byCall = health({ checks: { count: () => void asked++ } });
    expect([bySignal.isDraining, byCall.isDraining]).toEqual([false, false]);
    controller.abort();
    byCall.drain();
    byCall.drain();
    for (const layer of [bySignal, byCall]) {
      expect(layer.isDraining).toBe(true);
      const response = await client(around(layer)).get("/readyz");
      expect([response.status, response.text()]).toEqual([503, "draining\n"]);
      expect((await client(around(layer)).get("/livez")).status).toBe(200);
      expect((await client(around(layer)).get("/")).text()).toBe("hello");
    }
    expect(asked).toBe(0);
  });

  it("says that it drains where it began while a check was running", async () => {
    let answer: () => void = () => {};
    const layer = health({ checks: { slow: () => new Promise<void>((resolve) => (answer = resolve)) } });
    const response = client(around(layer)).get("/readyz");
    layer.drain();
    answer();
    expect((await response).text()).toBe("draining\n");
  });

  it("shows details to those who ask and may", async () => {
    const checks = {
      fine: () => {},
      'data"base': () => Promise.reject(new Error("password authentication failed")),
      odd: () => Promise.reject("odd"),
    };
    const options = { checks, details: (environ: { REMOTE_ADDR?: string | undefined }) => environ.REMOTE_ADDR === "127.0.0.1" };
    const site = http(options, "ignore");
    for (const query of ["?verbose", "?a=1&verbose", "?verbose=1"]) {
      const response = await site.get(`/readyz${query}`);
      expect([response.status, response.headers.get("Content-Type")]).toEqual([503, "application/json"]);
      expect(response.json()).toEqual({
        status: "not ready",
        checks: {
          fine: { status: "pass", milliseconds: expect.any(Number) as unknown },
          'data"base': { status: "fail", milliseconds: expect.any(Number) as unknown, error: "password authentication failed" },
          odd: { status: "fail", milliseconds: expect.any(Number) as unknown, error: "odd" },
        },
      });
    }
    for (const path of ["/readyz", "/readyz?verbos", "/readyz?averbose=1"])
      expect((await site.get(path)).text()).toBe("not ready\n");
    expect((await site.get("/readyz?verbose", { environ: { REMOTE_ADDR: "192.0.2.1" } })).text()).toBe("not ready\n");
    expect((await http({ checks }, "ignore").get("/readyz?verbose")).text()).toBe("not ready\n");
    expect((await site.get("/livez?verbose")).json()).toEqual({ status: "live", checks: {} });
  });

  it("writes no line of its own for what a check threw", async () => {
    const response = await http(
      {
        checks: {
          a: () => {
            throw new Error("x\nforged line\u001b[31m");
          },
        },
      },
      "expected",
    ).get("/readyz");
    expect(response.errors.split("\n").filter((line) => line.startsWith("forged"))).toEqual([]);
    expect(response.errors).not.toContain("\u001b");
  });

  it("answers synchronously where the checks do", () => {
    const statuses: string[] = [];
    const layer = health({ checks: { fine: () => true } });
    const body = validator(around(layer))(buildEnviron({ target: "/readyz" }), (status) => {
      statuses.push(status);
      return () => {};
    }) as readonly Uint8Array[] & { close?(): void };
    expect([Array.isArray(body), statuses]).toEqual([true, ["200 OK"]]);
    expect([...body].length).toBe(1);
    body.close?.();
  });

  it("takes an option that is undefined for one that is not given, and a check too", async () => {
    const client = http({
      live: undefined,
      ready: undefined,
      checks: { database: undefined, queue: () => true },
      timeoutSeconds: undefined,
      cacheSeconds: undefined,
      signal: undefined,
      details: undefined,
      now: undefined,
    });
    expect((await client.get("/livez")).text()).toBe("live\n");
    expect((await client.get("/readyz?verbose")).text()).toBe("ready\n");
  });

  it("knows no special name of a check", async () => {
    const checks = Object.fromEntries([
      ["__proto__", () => false],
      ["constructor", () => true],
    ]);
    const response = await http({ checks, details: () => true }, "expected").get("/readyz?verbose");
    expect([response.status, response.text()]).toEqual([503, expect.stringContaining('"__proto__":{"status":"fail"')]);
  });

  it.each<[string, HealthOptions, typeof TypeError | typeof RangeError]>([
    ["a path without slash", { live: "livez" }, TypeError],
    ["a path with a query", { ready: "/readyz?x" }, TypeError],
    ["two equal paths", { live: "/a", ready: "/a" }, TypeError],
    ["a path that is the other's default", { ready: "/livez" }, TypeError],
    ["true as a path", { live: true as unknown as string }, TypeError],
    ["a check that is no function", { checks: { a: 1 as unknown as () => void } }, TypeError],
    ["checks that are none", { checks: 1 as unknown as Record<string, () => void> }, TypeError],
    ["no time", { timeoutSeconds: 0 }, RangeError],
    ["endless time", { timeoutSeconds: Infinity }, RangeError],
    ["time as a text", { timeoutSeconds: "1" as unknown as number }, RangeError],
    ["a negative age", { cacheSeconds: -1 }, RangeError],
    ["an age that is no number", { cacheSeconds: NaN }, RangeError],
    ["a signal that is none", { signal: {} as AbortSignal }, TypeError],
    ["details that are no function", { details: true as unknown as () => boolean }, TypeError],
    ["an option that there is not", { timeout: 1 } as object, TypeError],
    ["a clock that is none", { now: 1 as unknown as () => number }, TypeError],
  ])("refuses %s while wrapping", (_, options, type) => {
    expect(() => health(options)).toThrow(type);
    expect(() => health(options)).toThrow(/^health: /);
  });
});
