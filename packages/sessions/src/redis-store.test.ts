import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { sessionStoreConformance, type MakeStore } from "@gateway/testing/session-store";
import { hasProgram, startProgram, startRedis, type RunningProgram, type RunningRedis } from "@gateway/testing/programs";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { touchScript, writeScript } from "./redis-scripts.ts";
import { redisStore, type IoredisClient, type NodeRedisClient, type RedisStoreOptions } from "./redis-store.ts";
import { redisClients, type OpenRedis } from "./test-redis-clients.ts";

const id = "r".repeat(43);
const minute = 60_000;

describe.skipIf(!hasProgram("redis-server"))("redisStore", () => {
  let redis: RunningRedis;
  beforeAll(async () => void (redis = await startRedis()));
  afterAll(() => redis.stop());

  describe.each(Object.entries(redisClients))("with %s", (name, open) => {
    const make: MakeStore = async (now) => {
      const opened: OpenRedis[] = [];
      const store = async (): Promise<ReturnType<typeof redisStore>> => {
        const one = open(redis.address);
        opened.push(one);
        await one.ready();
        return redisStore({ client: one.client, now });
      };
      return {
        store: await store(),
        another: store,
        breakDown: () => redis.kill(),
        mend: async () => {
          await redis.restart();
          await Promise.all(opened.map((one) => one.ready()));
        },
        end: async () => {
          for (const one of opened) one.end();
          if (redis.pid === undefined) await redis.restart();
        },
      };
    };
    sessionStoreConformance(make, { describe, it }, { name, lacks: { prune: "Redis removes what has expired" } });

    it("sends its scripts again to a server that has forgotten them", async () => {
      const one = open(redis.address);
      await one.ready();
      const store = redisStore({ client: one.client, prefix: `${name}:` });
      const record = { data: "data", version: 1, expiresAt: Date.now() + minute };
      await store.write(id, record);
      for (let version = 2; version < 5; version++) {
        await one.forget();
        expect(await store.write(id, { ...record, version })).toBe(true);
      }
      expect(await store.read(id)).toEqual({ ...record, version: 4 });
      one.end();
    });

    it("rejects what is no session under its key", async () => {
      const one = open(redis.address);
      await one.ready();
      const store = redisStore({ client: one.client, prefix: `other ${name}:` });
      const key = `other ${name}:${id}`;
      await one.run("redis.call('hset', KEYS[1], 'version', 1) return 0", key);
      await expect(store.read(id)).rejects.toThrow(`what Redis has under other ${name}: is no session`);
      await one.run("redis.call('del', KEYS[1]) redis.call('set', KEYS[1], 'text') return 0", key);
      await expect(store.read(id)).rejects.toThrow("WRONGTYPE");
      await expect(store.write(id, { data: "", version: 1, expiresAt: Date.now() + minute })).rejects.toThrow("WRONGTYPE");
      one.end();
    });

    it("rejects when no answer comes in time, and works when the server goes on", async () => {
      const one = open(redis.address);
      await one.ready();
      const store = redisStore({ client: one.client, prefix: `slow ${name}:`, timeoutMs: 1 });
      const patient = redisStore({ client: one.client, prefix: `slow ${name}:`, timeoutMs: Infinity });
      process.kill(redis.pid!, "SIGSTOP");
      const late = Promise.allSettled([store.read(id), store.delete(id), store.touch(id, Date.now() + minute)]);
      expect((await late).map((result) => (result.status === "rejected" ? String(result.reason) : "answered"))).toEqual(
        Array.from({ length: 3 }, () => "Error: redisStore: Redis did not answer within 1 ms"),
      );
      process.kill(redis.pid!, "SIGCONT");
      expect(await patient.read(id)).toBeUndefined();
      one.end();
    });
  });

  it("needs no more commands and keys than the guide says", async () => {
    const admin = await createClient({ socket: { ...redis.address, tls: false } }).connect();
    const commands = ["hmget", "del", "eval", "evalsha", "hget", "hset", "pexpire"].map((name) => `+${name}`);
    await admin.sendCommand(["ACL", "SETUSER", "app", "on", "nopass", "resetkeys", "~session:*", "-@all", ...commands]);
    admin.destroy();
    const client = createClient({ socket: { ...redis.address, tls: false }, username: "app", password: "any" });
    await client.connect();
    await lifeOfSession(client);
    await expect(client.get("session:x")).rejects.toThrow("NOPERM");
    await expect(redisStore({ client, prefix: "other:" }).read(id)).rejects.toThrow("NOPERM");
    client.destroy();
  });

  it("lets Redis remove what has expired, to the millisecond of the last write or touch", async () => {
    const client = new Redis(redis.address);
    const now = 5_000_000;
    const store = redisStore({ client, prefix: "ttl:", now: () => now });
    const left = async (): Promise<number> => client.pttl(`ttl:${id}`);
    await store.write(id, { data: "", version: 1, expiresAt: now + 3_600_000 });
    expect(await left()).toBeGreaterThan(3_500_000);
    expect(await left()).toBeLessThanOrEqual(3_600_000);
    await store.touch(id, now + 7_200_000);
    expect(await left()).toBeGreaterThan(7_100_000);
    await store.touch(id, now + 0.5);
    expect(await left()).toBeLessThanOrEqual(1);
    client.disconnect();
  });
});

describe.skipIf(!hasProgram("redis-server"))("redisStore in a cluster", () => {
  let server: RunningProgram;
  let port: number;
  beforeAll(async () => {
    // Clusters name their members by address, so there must be a port.
    const [own, bus] = await freePorts();
    port = own;
    const cluster = [
      "--cluster-enabled",
      "yes",
      "--cluster-port",
      String(bus),
      "--cluster-announce-ip",
      "127.0.0.1",
      "--bind",
      "127.0.0.1",
    ];
    server = await startProgram({
      program: "redis-server",
      args: () => ["--port", String(port), ...cluster, "--save", ""],
      ready: () => ({ port }),
    });
    const client = await createClient({ socket: { port } }).connect();
    await client.sendCommand(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    while (!(await client.clusterInfo()).includes("cluster_state:ok"));
    client.destroy();
  });
  afterAll(() => server.stop());

  it("works with a cluster of redis", async () => {
    const client = await createCluster({ rootNodes: [{ socket: { host: "127.0.0.1", port } }] }).connect();
    await lifeOfSession(client);
    client.destroy();
  });

  it("works with a cluster of ioredis", async () => {
    const client = new Cluster([{ host: "127.0.0.1", port }]);
    await lifeOfSession(client);
    client.disconnect();
  });
});

/** All that a store is asked for. */
async function lifeOfSession(client: RedisStoreOptions["client"]): Promise<void> {
  const store = redisStore({ client });
  const expiresAt = Date.now() + minute;
  for (let version = 1; version <= 3; version++) {
    expect(await store.write(id, { data: `${version}`, version, expiresAt })).toBe(true);
    expect(await store.write(id, { data: "no", version, expiresAt })).toBe(false);
  }
  await store.touch(id, expiresAt + 1);
  expect(await store.read(id)).toEqual({ data: "3", version: 3, expiresAt: expiresAt + 1 });
  await store.delete(id);
  expect(await store.read(id)).toBeUndefined();
}

/** Two ports that nobody has at the moment. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (one) => {
      await once(one.listen(0, "127.0.0.1"), "listening");
      return (one.address() as AddressInfo).port;
    }),
  );
  for (const one of servers) one.close();
  return ports as [number, number];
}

describe("redisStore without a server", () => {
  const node = (answers: Partial<NodeRedisClient>): NodeRedisClient => ({
    hmGet: async () => [null, null, null],
    del: async () => 0,
    evalSha: async () => 1,
    eval: async () => 1,
    ...answers,
  });

  it("speaks to node-redis in its way, one key for each script", async () => {
    const hmGet = vi.fn<NodeRedisClient["hmGet"]>(async () => ["d", "3", "2000"]);
    const evalSha = vi.fn<NodeRedisClient["evalSha"]>(async () => 1);
    const del = vi.fn<NodeRedisClient["del"]>(async () => 1);
    const store = redisStore({ client: node({ hmGet, evalSha, del }), prefix: "p:", now: () => 1000 });
    expect(await store.read("id")).toEqual({ data: "d", version: 3, expiresAt: 2000 });
    expect(hmGet).toHaveBeenCalledExactlyOnceWith("p:id", ["data", "version", "expires"]);
    expect(await store.write("id", { data: "x", version: 4, expiresAt: 3000 })).toBe(true);
    expect(evalSha).toHaveBeenLastCalledWith(writeScript.sha1, { keys: ["p:id"], arguments: ["4", "3000", "x", "1000"] });
    await store.touch("id", 4000);
    expect(evalSha).toHaveBeenLastCalledWith(touchScript.sha1, { keys: ["p:id"], arguments: ["4000", "1000"] });
    await store.delete("id");
    expect(del).toHaveBeenCalledExactlyOnceWith("p:id");
  });

  it("speaks to ioredis in its way, one key for each script", async () => {
    const hmget = vi.fn<IoredisClient["hmget"]>(async () => [null, null, null]);
    const evalsha = vi.fn<IoredisClient["evalsha"]>(async () => 0);
    const client: IoredisClient = { hmget, evalsha, eval: async () => 0, del: async () => 0 };
    const store = redisStore({ client, now: () => 1000 });
    expect(await store.read("id")).toBeUndefined();
    expect(hmget).toHaveBeenCalledExactlyOnceWith("session:id", "data", "version", "expires");
    expect(await store.write("id", { data: "x", version: 1, expiresAt: 3000 })).toBe(false);
    expect(evalsha).toHaveBeenLastCalledWith(writeScript.sha1, 1, "session:id", "1", "3000", "x", "1000");
  });

  it("passes errors other than a missing script on, and does not try again", async () => {
    const whole = vi.fn<NodeRedisClient["eval"]>(async () => 1);
    const store = redisStore({ client: node({ evalSha: () => Promise.reject(new Error("READONLY replica")), eval: whole }) });
    await expect(store.write(id, { data: "", version: 1, expiresAt: Date.now() + minute })).rejects.toThrow("READONLY replica");
    expect(whole).not.toHaveBeenCalled();
  });

  it("refuses wrong settings", () => {
    expect(() => redisStore({ client: {} as NodeRedisClient })).toThrow("redisStore: client is a client of redis");
    expect(() => redisStore({} as RedisStoreOptions)).toThrow("redisStore: client is a client of redis or ioredis");
    expect(() => redisStore({ client: node({}), prefix: 7 as unknown as string })).toThrow("redisStore: prefix is a string");
    expect(() => redisStore({ client: node({}), now: 1 as unknown as () => number })).toThrow("redisStore: now is a function");
    for (const timeoutMs of [0, -1, Number.NaN, 2 ** 31]) {
      expect(() => redisStore({ client: node({}), timeoutMs })).toThrow(
        "redisStore: timeoutMs is a number of milliseconds above 0, or Infinity",
      );
    }
  });
});
