import { compose, HTTPError, type Application, type Environ } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  byAddress,
  memoryStore,
  rateLimit,
  redisStore,
  type RateLimitOptions,
  type RateLimitStore,
  type Verdict,
} from "./index.ts";
import { layerConformance } from "@gateway/testing/layer";
import { importExample } from "@gateway/testing/readme";

const hello: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from("hello")];
};

/** A limit of two a minute on a clock that stands still. */
function limited(options: Partial<RateLimitOptions> = {}, app: Application = hello) {
  const time = { now: 1_000_000 };
  const store = memoryStore({ now: () => time.now });
  return { time, app: compose(rateLimit({ limit: 2, windowSeconds: 60, store, ...options }), validator)(app) };
}

const promising = (store: RateLimitStore = memoryStore()): RateLimitStore => ({ take: async (...all) => store.take(...all) });
const away: RateLimitStore = { take: () => Promise.reject(new Error("connection lost")) };

afterEach(() => {
  vi.useRealTimers();
});

describe("rateLimit", () => {
  it("runs the example of the README", async () => {
    const example = await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/rate-limit": new URL("index.ts", import.meta.url),
    });
    const http = client(example as Application);
    for (let i = 0; i < 5; i++) expect((await http.post("/login")).status).toBe(403);
    const refused = await http.post("/login");
    expect([refused.status, Number(refused.headers.get("Retry-After"))]).toEqual([
      429,
      expect.toSatisfy((seconds: number) => seconds > 50 && seconds <= 61),
    ]);
    expect((await http.get("/")).status).toBe(200);
    expect((await http.post("/login", { environ: { REMOTE_ADDR: "192.0.2.9" } })).status).toBe(403);
  });

  describe("around any application", () => {
    layerConformance((app) => limited({ limit: 100 }, app).app, { describe, it });
  });
  describe("with a store that promises", () => {
    layerConformance((app) => limited({ limit: 100, store: promising() }, app).app, { describe, it });
  });
  describe("where nothing is counted", () => {
    layerConformance((app) => limited({ key: () => undefined }, app).app, { describe, it });
  });
  describe("with a store that fails", () => {
    const open = rateLimit({ limit: 1, windowSeconds: 1, store: away });
    // Its first failure is reported: the reports after that are the application's.
    beforeAll(async () => void (await client(open(hello), { errors: "expected" }).get("/")));
    layerConformance((app) => compose(open, validator)(app), { describe, it });
  });

  it("tells what is left, and refuses what is beyond", async () => {
    const { time, app } = limited();
    const http = client(app);
    const answers = [];
    for (let i = 0; i < 3; i++) {
      const { status, headers } = await http.get("/");
      answers.push([status, headers.get("RateLimit"), headers.get("RateLimit-Policy"), headers.get("Retry-After")]);
      time.now += 10_000;
    }
    const policy = '"default";q=2;w=60';
    expect(answers).toEqual([
      [200, '"default";r=1;t=61', policy, undefined],
      [200, '"default";r=0;t=51', policy, undefined],
      [429, '"default";r=0;t=41', policy, "41"],
    ]);
    const refused = await http.get("/");
    expect(refused.text()).toBe("Too many requests: try again in 31 s.\n");
    time.now += 31_000;
    expect((await http.get("/")).status).toBe(200);
  });

  it("says nothing of its limit where it is told so, but when to come back", async () => {
    const http = client(limited({ limit: 1, headers: "omit" }).app);
    expect((await http.get("/")).headers.list.map(([name]) => name)).toEqual(["Content-Type", "Content-Length"]);
    const { headers } = await http.get("/");
    expect([headers.get("Retry-After"), headers.has("RateLimit"), headers.has("RateLimit-Policy")]).toEqual(["61", false, false]);
  });

  it("lists every policy where there are several, each counting for itself", async () => {
    const store = memoryStore();
    const onion = compose(
      rateLimit({ limit: 3, windowSeconds: 1, name: "burst", store }),
      rateLimit({ limit: 9, windowSeconds: 1, name: "day", store }),
      validator,
    )(hello);
    const { headers } = await client(onion).get("/");
    expect(headers.getAll("RateLimit-Policy")).toEqual(['"day";q=9;w=1', '"burst";q=3;w=1']);
    expect(headers.getAll("RateLimit").map((value) => value.slice(0, -4))).toEqual(['"day";r=8', '"burst";r=2']);
  });

  it("counts by any key, and leaves alone what has none", async () => {
    const http = client(limited({ limit: 1, key: (environ) => environ.HTTP_X_API_KEY }).app);
    const status = async (key?: string) => (await http.get("/", key === undefined ? {} : { headers: { "X-API-Key": key } })).status;
    expect([await status("a"), await status("a"), await status("b"), await status(""), await status("")]).toEqual([
      200, 429, 200, 200, 429,
    ]);
    expect([await status(), await status()]).toEqual([200, 200]);
  });

  it("gives a store short keys of visible ASCII, and different ones for different keys", async () => {
    const keys: string[] = [];
    const store: RateLimitStore = {
      take(key): Verdict {
        keys.push(key);
        return { isAllowed: true, used: 1, freesInMilliseconds: 0, retryInMilliseconds: 0 };
      },
    };
    const given = ["a", "", "x".repeat(64), "x".repeat(65), "x".repeat(10_000), "\u00e9", "a b", "a\r\nb", "\u{1f600}", "#a"];
    for (const key of given) await client(limited({ store, name: "n", key: () => key }).app).get("/");
    expect(new Set(keys).size).toBe(given.length);
    for (const key of keys) expect(key).toMatch(/^n:[!-~]{0,64}$/);
    expect(keys[0]).toBe("n:a");
  });

  it("lets nobody use up what another may by sending the hash of the other's key", async () => {
    const keys: string[] = [];
    const inner = memoryStore();
    const store: RateLimitStore = { take: (key, ...rest) => (keys.push(key), inner.take(key, ...rest)) };
    const http = client(limited({ store, limit: 1, key: (environ) => environ.HTTP_X_API_KEY }).app);
    const status = async (key: string): Promise<number> => (await http.get("/", { headers: { "X-API-Key": key } })).status;
    const victim = "x".repeat(65);
    expect(await status(victim)).toBe(200);
    const hashed = keys[0]?.slice("default:".length) ?? "";
    expect(hashed).toMatch(/^#/);
    expect([await status(hashed), await status(victim)]).toEqual([200, 429]);
  });

  it("counts a request for what it costs", async () => {
    const { app } = limited({ limit: 10, cost: (environ) => Number(environ.QUERY_STRING) });
    const http = client(app);
    const status = async (cost: number) => (await http.get(`/?${cost}`)).status;
    expect([await status(7), await status(4), await status(3), await status(0), await status(1)]).toEqual([
      200, 429, 200, 200, 429,
    ]);
    const never = await http.get("/?11");
    expect([never.status, never.text(), never.headers.has("Retry-After")]).toEqual([
      429,
      "This request is more than the limit allows.\n",
      false,
    ]);
    for (const cost of ["-1", "0.5", "x"]) {
      const wrong = await client(app, { errors: "expected" }).get(`/?${cost}`);
      expect([wrong.status, wrong.errors]).toEqual([500, expect.stringContaining("a cost is a whole number")]);
    }
  });

  it("tells who is refused, and calls no application for it", async () => {
    const told: [string, string][] = [];
    let calls = 0;
    const { app } = limited(
      { limit: 1, onLimited: (key, environ) => told.push([key, environ.PATH_INFO]) },
      (environ, startResponse) => {
        calls++;
        return hello(environ, startResponse);
      },
    );
    const http = client(app);
    for (const path of ["/a", "/b", "/c"]) await http.get(path);
    expect([told, calls]).toEqual([
      [
        ["127.0.0.1", "/b"],
        ["127.0.0.1", "/c"],
      ],
      1,
    ]);
  });

  it("refuses also where telling of it fails, and reports that", async () => {
    const onLimited = (): never => {
      throw new Error("in the listener");
    };
    const http = client(limited({ limit: 1, onLimited }).app);
    await http.get("/");
    const response = await http.get("/", { errors: "expected" });
    expect([response.status, response.errors]).toEqual([429, expect.stringContaining("in the listener")]);
  });

  it("counts what the application failed at, too", async () => {
    const failing: Application = () => {
      throw new HTTPError(401);
    };
    const http = client(limited({ limit: 1 }, failing).app);
    expect([(await http.get("/")).status, (await http.get("/")).status]).toEqual([401, 429]);
  });

  it.each<[string, RateLimitStore]>([
    ["rejects", away],
    [
      "throws",
      {
        take: () => {
          throw new Error("connection lost");
        },
      },
    ],
  ])("lets requests through when the store %s, and reports it once until it is back", async (_, broken) => {
    let current = broken;
    const { app } = limited({ limit: 100, store: { take: (...all) => current.take(...all) } });
    const http = client(app, { errors: "ignore" });
    const first = await http.get("/");
    expect([first.status, first.headers.has("RateLimit")]).toEqual([200, false]);
    expect(first.errors).toMatch(/^rateLimit: the store fails, requests are let through: Error: connection lost\n/);
    expect((await http.get("/")).errors).toBe("");
    current = memoryStore();
    expect((await http.get("/")).headers.has("RateLimit")).toBe(true);
    current = broken;
    expect((await http.get("/")).errors).toContain("connection lost");
  });

  it("refuses requests instead where it is told to", async () => {
    const response = await client(limited({ store: away, whenStoreFails: "refuse" }).app, { errors: "expected" }).get("/");
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "5"]);
    expect(response.errors).toContain("requests are refused");
  });

  it("waits for a store for so long and no longer", async () => {
    vi.useFakeTimers();
    let answer: (verdict: Verdict) => void = () => {};
    const slow: RateLimitStore = { take: () => new Promise((resolve) => (answer = resolve)) };
    const http = client(limited({ store: slow, storeTimeoutSeconds: 0.5, whenStoreFails: "refuse" }).app, { errors: "ignore" });
    const late = http.get("/");
    await vi.advanceTimersByTimeAsync(500);
    expect([(await late).status, (await late).errors]).toEqual([503, expect.stringContaining("the store took longer than 0.5 s")]);
    answer({ isAllowed: true, used: 1, freesInMilliseconds: 0, retryInMilliseconds: 0 });
    const good = http.get("/");
    await vi.advanceTimersByTimeAsync(499);
    answer({ isAllowed: true, used: 1, freesInMilliseconds: 0, retryInMilliseconds: 0 });
    expect([(await good).status, vi.getTimerCount()]).toEqual([200, 0]);
  });

  it("keeps a synchronous application synchronous with a synchronous store", () => {
    const body = validator(limited().app)(buildEnviron(), () => () => {}) as readonly Uint8Array[] & { close?(): void };
    expect(Array.isArray(body)).toBe(true);
    expect([...body].length).toBe(1);
    body.close?.();
    const full = limited({ limit: 1 }).app;
    const give = (environ: Environ) => full(environ, () => () => {});
    void give(buildEnviron());
    expect(() => give(buildEnviron())).toThrow(HTTPError);
  });

  it.each<[unknown]>([
    [{ limit: 0 }],
    [{ limit: 1.5 }],
    [{ limit: "10" }],
    [{ limit: 1e15 }],
    [{ windowSeconds: 0 }],
    [{ windowSeconds: 0.5 }],
    [{ windowSeconds: 1e9 }],
    [{ cost: -1 }],
    [{ cost: 0.5 }],
    [{ cost: "1" }],
    [{ name: "" }],
    [{ name: 'a"b' }],
    [{ name: "a b" }],
    [{ key: "REMOTE_ADDR" }],
    [{ onLimited: true }],
    [{ store: {} }],
    [{ store: null }],
    [{ whenStoreFails: "open" }],
    [{ headers: true }],
    [{ storeTimeoutSeconds: 0 }],
    [{ storeTimeoutSeconds: Infinity }],
  ])("refuses %j while wrapping", (options) => {
    expect(() => rateLimit({ limit: 1, windowSeconds: 1, ...(options as object) })).toThrow(/^rateLimit: /);
  });

  it("takes an option that is undefined for one that is not given", async () => {
    const http = client(
      compose(
        rateLimit({
          limit: 1,
          windowSeconds: 60,
          key: undefined,
          cost: undefined,
          store: undefined,
          name: undefined,
          whenStoreFails: undefined,
          storeTimeoutSeconds: undefined,
          headers: undefined,
          onLimited: undefined,
        }),
        validator,
      )(hello),
    );
    expect((await http.get("/")).headers.get("RateLimit-Policy")).toBe('"default";q=1;w=60');
    expect((await http.get("/")).status).toBe(429);
    const store = memoryStore({ maxKeys: undefined, now: undefined });
    expect(store.take("key", 1, 1, 1000)).toMatchObject({ isAllowed: true });
    const redis = { evalSha: async () => [1, 1, 1000, 0], eval: async () => undefined };
    expect(await redisStore({ client: redis, prefix: undefined }).take("key", 1, 1, 1000)).toMatchObject({ isAllowed: true });
    expect(byAddress({ ipv6Bits: undefined })(buildEnviron({ overrides: { REMOTE_ADDR: "2001:db8::1" } }))).toBe(
      "2001:db8:0:0:0:0:0:0/64",
    );
  });

  it("says what it needs where it is given nothing", () => {
    expect(() => rateLimit(undefined as unknown as RateLimitOptions)).toThrow(
      "rateLimit: give options: rateLimit({ limit, windowSeconds })",
    );
  });
});
