import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { client } from "@gateway/testing";
import { hasProgram, startRedis, type RunningRedis } from "@gateway/testing/programs";
import { build } from "esbuild";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rateLimit } from "./rate-limit.ts";
import { redisStore, script, type IoredisClient, type NodeRedisClient } from "./redis-store.ts";
import { SlidingWindow, stepMilliseconds } from "./sliding-window.ts";
import type { RaceAnswer, RaceQuestion } from "./test-limit-process.ts";

const isLong = process.env["GATEWAY_LONG"] === "1";
const folder = fileURLToPath(new URL("..", import.meta.url));

describe("redisStore", () => {
  it.each([undefined, {}, { evalsha: true }, { get: () => {} }])("refuses %j for a client", (client) => {
    expect(() => redisStore({ client: client as unknown as NodeRedisClient })).toThrow(TypeError);
  });

  it("refuses a prefix that is none, and an answer that the script does not give", async () => {
    const client: IoredisClient = { evalsha: async () => "OK", eval: async () => "OK" };
    expect(() => redisStore({ client, prefix: 1 as unknown as string })).toThrow(TypeError);
    await expect(redisStore({ client }).take("a", 1, 1, 1000)).rejects.toThrow("an answer that the script does not give");
  });
});

describe.skipIf(!hasProgram("redis-server"))("redisStore on a Redis", () => {
  let redis: RunningRedis;
  let node: ReturnType<typeof createClient>;
  let io: Redis;

  beforeAll(async () => {
    redis = await startRedis();
    node = createClient({ socket: { path: redis.address.path, tls: false } });
    await node.connect();
    io = new Redis({ path: redis.address.path });
  });
  afterAll(async () => {
    node.destroy();
    io.disconnect();
    await redis.stop();
  });

  const either = { redis: () => node as NodeRedisClient, ioredis: () => io as IoredisClient };

  it.each(Object.entries(either))("counts with a client of %s, and knows no script to begin with", async (name, give) => {
    await node.scriptFlush();
    const store = redisStore({ client: give() });
    const take = (cost: number) => store.take(name, cost, 3, 60_000);
    const first = await take(2);
    expect(first).toMatchObject({ isAllowed: true, used: 2, retryInMilliseconds: 0 });
    expect(first.freesInMilliseconds).toBeGreaterThan(59_000);
    expect(first.freesInMilliseconds).toBeLessThanOrEqual(61_000);
    expect(await take(2)).toMatchObject({ isAllowed: false, used: 2 });
    expect(await take(4)).toMatchObject({ isAllowed: false, retryInMilliseconds: Infinity });
    expect(await take(1)).toMatchObject({ isAllowed: true, used: 3 });
    expect(await take(0)).toMatchObject({ isAllowed: true, used: 3 });
  });

  it("keeps neither a key as it was given nor longer than it counts", async () => {
    await redisStore({ client: node, prefix: "test:" }).take("secret-token", 1, 3, 60_000);
    const keys = await node.keys("test:*");
    expect(keys).toEqual([expect.stringMatching(/^test:[\w-]{22}$/)]);
    const left = await node.pTTL(keys[0] ?? "");
    expect(left).toBeGreaterThan(59_000);
    expect(left).toBeLessThanOrEqual(61_000);
    await redisStore({ client: node, prefix: "none:" }).take("a", 0, 3, 60_000);
    expect(await node.keys("none:*")).toEqual([]);
  });

  it("decides as the window in memory does, step for step", { timeout: 120_000 }, async () => {
    // The script with a clock that is told; far ahead, so that Redis itself expires nothing.
    const told = script.replace('redis.call("TIME")', "{ 0, tonumber(ARGV[5]) * 1000 }");
    expect(told).not.toBe(script);
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let round = 0; round < (isLong ? 400 : 40); round++) {
      const window = new SlidingWindow();
      const length = 1 + random(5000);
      const limit = 1 + random(20);
      let now = Date.now() + 1_000_000_000;
      for (let i = 0; i < 60; i++) {
        now += random(2 + Math.floor(length / 4));
        const cost = random(5);
        const values = [cost, limit, length, stepMilliseconds(length), now].map(String);
        const [allowed, used, frees, retry] = (await io.eval(told, 1, `same:${round}`, ...values)) as number[];
        const verdict = window.take(cost, limit, length, now);
        expect({
          isAllowed: allowed === 1,
          used,
          freesInMilliseconds: frees,
          retryInMilliseconds: retry === -1 ? Infinity : retry,
        }).toEqual(verdict);
      }
    }
  });

  it("keeps what counts when the clock of Redis is set back", async () => {
    const told = script.replace('redis.call("TIME")', "{ 0, tonumber(ARGV[5]) * 1000 }");
    const base = Date.now() + 1_000_000_000;
    for (const [now, allowed] of [
      [base, 1],
      [base - 500_000, 1],
      [base - 900_000, 0],
    ] as const) {
      const values = [1, 2, 60_000, 1000, now].map(String);
      expect(((await io.eval(told, 1, "back", ...values)) as number[])[0]).toBe(allowed);
    }
    expect(await io.pexpiretime("back")).toBeGreaterThanOrEqual(base + 60_000);
  });

  it("lets requests through while Redis is away, and counts again when it is back", async () => {
    const own = await startRedis();
    const ioClient = new Redis({
      path: own.address.path,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => 5,
    });
    try {
      ioClient.on("error", () => {});
      await once(ioClient, "ready");
      const layer = rateLimit({ limit: 1, windowSeconds: 3600, store: redisStore({ client: ioClient }) });
      const http = client(
        layer((_environ, startResponse) => {
          startResponse("204 No Content", []);
          return [];
        }),
        { errors: "ignore" },
      );
      expect([(await http.get("/")).status, (await http.get("/")).status]).toEqual([204, 429]);
      await own.kill();
      const open = await http.get("/");
      expect([open.status, open.errors]).toEqual([204, expect.stringContaining("the store fails, requests are let through")]);
      await own.restart();
      if (ioClient.status !== "ready") await once(ioClient, "ready");
      expect((await http.get("/")).status).toBe(429);
    } finally {
      ioClient.disconnect();
      await own.stop();
    }
  });

  it("lets no more through than the limit, whichever of two processes asks", { timeout: 120_000 }, async () => {
    const shared = {
      path: redis.address.path,
      limit: 500,
      windowSeconds: 3600,
      width: 16,
      requests: isLong ? 20_000 : 2000,
      allowed: Infinity,
    };
    const answers = await raceOf([
      { ...shared, library: "redis" },
      { ...shared, library: "ioredis" },
    ]);
    expect(answers.map((answer) => answer.length > 0)).toEqual([true, true]);
    expect(answers.flat().length).toBe(500);
  });

  it("lets no more through in any window while it slides", { timeout: 120_000 }, async () => {
    await node.flushAll();
    const limit = 10;
    const shared = { path: redis.address.path, limit, windowSeconds: 1, width: 8, requests: Infinity, allowed: isLong ? 150 : 15 };
    const answers = await raceOf([
      { ...shared, library: "redis" },
      { ...shared, library: "ioredis" },
    ]);
    const times = answers.flat().toSorted(([one], [other]) => one - other);
    expect(times.length).toBeGreaterThanOrEqual(2 * shared.allowed);
    // Each was counted between its two times, so a group that fits into a window by the outer ones was in one.
    for (let i = 0; i + limit < times.length; i++) {
      const group = times.slice(i, i + limit + 1);
      expect(Math.max(...group.map(([, answeredAt]) => answeredAt)) - (group[0]?.[0] ?? 0)).toBeGreaterThanOrEqual(1000);
    }
  });
});

/** Puts each question to a process of its own, at the same time. */
async function raceOf(questions: readonly RaceQuestion[]): Promise<readonly RaceAnswer[]> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("test-limit-process.ts", import.meta.url))],
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20",
    write: false,
  });
  const children = questions.map(() => {
    const child = spawn(process.execPath, ["--input-type=module", "-"], {
      cwd: folder,
      stdio: ["pipe", "inherit", "inherit", "ipc"],
    });
    child.stdin?.end(outputFiles[0]?.text ?? "");
    return child;
  });
  const answerOf = async (child: (typeof children)[number]): Promise<unknown> => {
    const ended = once(child, "exit").then(() => {
      throw new Error("a process of the race has ended");
    });
    const [message] = (await Promise.race([once(child, "message"), ended])) as [unknown];
    ended.catch(() => {});
    return message;
  };
  try {
    await Promise.all(children.map(answerOf));
    const answers = children.map(answerOf);
    for (const [i, child] of children.entries())
      child.send(JSON.parse(JSON.stringify(questions[i], (_, value: unknown) => (value === Infinity ? 1e15 : value))) as object);
    return (await Promise.all(answers)) as RaceAnswer[];
  } finally {
    await Promise.all(
      children.map(async (child) => {
        if (child.exitCode !== null) return;
        const ended = once(child, "exit");
        if (child.connected) child.disconnect();
        await ended;
      }),
    );
  }
}
