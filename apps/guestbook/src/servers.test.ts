import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasProgram, startPostgres, startRedis, type RunningPostgres, type RunningRedis } from "@gateway/testing/programs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { password } from "./test-guestbook.ts";
import { eventIds, GuestbookProcess, Visitor } from "./test-process.ts";

describe.skipIf(!hasProgram("postgres") || !hasProgram("redis-server"))("two processes on PostgreSQL and Redis", () => {
  let postgres: RunningPostgres;
  let redis: RunningRedis;
  let folders: string[];
  let books: GuestbookProcess[];
  let environment: Record<string, string>;

  beforeAll(async () => {
    [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
    const { host, port, user, database } = postgres.address;
    environment = {
      DATABASE_URL: `postgres://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`,
      REDIS_URL: `unix://${redis.address.path}`,
      SECRET: "the same secret for both of the processes",
      TRUST_PROXY: "127.0.0.1",
    };
    folders = await Promise.all([1, 2].map(() => mkdtemp(join(tmpdir(), "gateway-guestbook-"))));
    // At once, so that both find a database without tables.
    books = await Promise.all(folders.map((folder) => GuestbookProcess.start({ ...environment, GUESTBOOK_FOLDER: folder })));
  }, 60_000);
  afterAll(async () => {
    for (const book of books ?? []) await book[Symbol.asyncDispose]();
    await Promise.all([postgres?.stop(), redis?.stop()]);
    for (const folder of folders ?? []) await rm(folder, { recursive: true, force: true });
  });

  const originOf = (i: number): string => books[i % books.length]?.origin ?? "";
  const textsAt = async (i: number): Promise<string[]> => {
    const { entries } = (await (await fetch(`${originOf(i)}/api/entries?limit=100`)).json()) as { entries: { text: string }[] };
    return entries.map(({ text }) => text);
  };

  it("say that they use them", () => {
    for (const { lines } of books) {
      expect(lines).toContain("guestbook: entries are in PostgreSQL");
      expect(lines).toContain("guestbook: sessions are in Redis, their cookies signed, by SECRET");
    }
  });

  it("share guests, sessions, entries and what is live", async () => {
    const stop = new AbortController();
    const streams = books.map(({ origin }) => eventIds(`${origin}/events?after=0`, stop.signal));
    const first = streams.map((ids) => ids.next());
    const ada = new Visitor({ "X-Forwarded-For": "192.0.2.1" });
    expect((await ada.post(`${originOf(0)}/join`, { name: "Ada", password })).status).toBe(303);
    // Signed in at one, she writes at the other.
    expect((await ada.post(`${originOf(1)}/entries`, { text: "written at the other" })).headers.get("Location")).toBe("/");
    expect(await (await ada.get(originOf(0))).text()).toContain("Thank you: your entry stands in the guestbook.");
    const seen = await Promise.all(first);
    expect(seen[0]?.value).toBe(seen[1]?.value);
    expect(await textsAt(0)).toEqual(await textsAt(1));

    // Signed out at one, the cookie is good at neither.
    const copy = new Visitor({ "X-Forwarded-For": "192.0.2.1" });
    await copy.post(`${originOf(0)}/sign-in`, { name: "ada", password });
    expect((await copy.get(`${originOf(1)}/sign-in`)).status).toBe(303);
    await copy.post(`${originOf(0)}/sign-out`, {});
    expect((await copy.get(`${originOf(1)}/sign-in`)).status).toBe(200);
    stop.abort();
    await Promise.allSettled(streams.map((ids) => ids.next()));
  });

  it("count attempts together", async () => {
    const thief = new Visitor({ "X-Forwarded-For": "192.0.2.66" });
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) {
      statuses.push((await thief.post(`${originOf(i)}/sign-in`, { name: "Ada", password: `guess number ${i}` })).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(422), 429, 429]);
  });

  it("tell of every entry in order, whoever writes at the same time", async () => {
    const stop = new AbortController();
    const before = (await textsAt(0)).length;
    const streams = books.map(({ origin }) => eventIds(`${origin}/events?after=0`, stop.signal));
    const writers = await Promise.all(
      Array.from({ length: 4 }, async (_, i) => {
        const visitor = new Visitor({ "X-Forwarded-For": `192.0.2.${100 + i}` });
        await visitor.post(`${originOf(i)}/join`, { name: `Writer ${i}`, password });
        return visitor;
      }),
    );
    const count = 40;
    const taken = streams.map(async (ids) => {
      const all: number[] = [];
      while (all.length < before + count) all.push((await ids.next()).value as number);
      return all;
    });
    await Promise.all(
      Array.from({ length: count }, async (_, i) => writers[i % 4]?.post(`${originOf(i >> 2)}/entries`, { text: `at once ${i}` })),
    );
    const [one = [], other = []] = await Promise.all(taken);
    expect(one).toEqual(one.toSorted((a, b) => a - b));
    expect(new Set(one).size).toBe(before + count);
    expect(other).toEqual(one);
    stop.abort();
    await Promise.allSettled(streams.map((ids) => ids.next()));
  });

  it("hear of entries again after the database was away", async () => {
    const ada = new Visitor({ "X-Forwarded-For": "192.0.2.200" });
    await ada.post(`${originOf(0)}/sign-in`, { name: "Ada", password });
    await postgres.kill();
    expect((await ada.get(originOf(0))).status).toBe(500);
    expect((await fetch(`${originOf(0)}/livez`)).status).toBe(200);
    await postgres.restart();
    const stop = new AbortController();
    const ids = eventIds(`${originOf(1)}/events?after=0`, stop.signal);
    const count = (await textsAt(1)).length;
    for (let i = 0; i < count; i++) await ids.next();
    const next = ids.next();
    const written = await ada.post(`${originOf(0)}/entries`, { text: "after the storm" });
    expect([written.status, written.headers.get("Location")]).toEqual([303, "/"]);
    expect((await next).done).toBe(false);
    stop.abort();
    await ids.next().catch(() => {});
  });

  it("stop when they are told, and lose nothing", async () => {
    const texts = await textsAt(0);
    expect(await Promise.all(books.map((book) => book.stop()))).toEqual([0, 0]);
    books = [await GuestbookProcess.start({ ...environment, GUESTBOOK_FOLDER: folders[0] ?? "" })];
    expect(await textsAt(0)).toEqual(texts);
  });
});
