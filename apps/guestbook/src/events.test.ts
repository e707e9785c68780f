import { createGunzip, constants } from "node:zlib";
import { client } from "@gateway/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { events } from "./events.ts";
import { joinAs, makeGuestbook, type TestGuestbook } from "./test-guestbook.ts";

let book: TestGuestbook;
beforeEach(async () => void (book = await makeGuestbook()));
afterEach(() => book[Symbol.asyncDispose]());

/** The ids of entries in a stream, as they come. */
async function* idsOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<number> {
  let text = "";
  for await (const chunk of chunks) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const id = /^id: (\d+)\nevent: entry\ndata: \{/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (id !== undefined) yield Number(id);
    }
  }
}

async function take(ids: AsyncGenerator<number>, count: number): Promise<number[]> {
  const taken: number[] = [];
  while (taken.length < count) taken.push((await ids.next()).value as number);
  return taken;
}

describe("events", () => {
  it("tells of each entry, to everybody, as it is written", async () => {
    const ada = book.browser();
    await joinAs(ada, "Ada");
    const streams = await Promise.all([1, 2, 3].map(() => book.browser().open("GET", "/events?after=0")));
    const all = streams.map(({ body }) => idsOf(body));
    for (const id of [1, 2]) {
      await ada.post("/entries", { form: { text: `number ${id}` } });
      for (const ids of all) expect(await take(ids, 1)).toEqual([id]);
    }
    expect(streams[0]?.headers.get("Content-Type")).toBe("text/event-stream");
    for (const stream of streams) stream.abort();
    await Promise.all(streams.map(({ finished }) => finished));
    expect(book.database.watchers.size).toBe(0);
  });

  it("comes through gzip, flushed with each entry", async () => {
    const stream = await book.browser().open("GET", "/events?after=0", { headers: { "Accept-Encoding": "gzip" } });
    expect(stream.headers.get("Content-Encoding")).toBe("gzip");
    const gunzip = createGunzip({ flush: constants.Z_SYNC_FLUSH });
    const fed = (async () => {
      for await (const chunk of stream.body) gunzip.write(chunk);
    })().catch(() => {});
    const ids = idsOf(gunzip);
    for (const id of [1, 2, 3]) {
      await book.database.entries.write("Ada", `number ${id}`, id);
      expect(await take(ids, 1)).toEqual([id]);
    }
    stream.abort();
    await fed;
    gunzip.destroy();
  });

  it("begins where the client has come to: by its header, by the address, or now", async () => {
    for (let i = 1; i <= 120; i++) await book.database.entries.write("Ada", `number ${i}`, i);
    const from = async (path: string, headers: Record<string, string> = {}): Promise<number> => {
      const stream = await book.browser().open("GET", path, { headers });
      const ids = idsOf(stream.body);
      const next = take(ids, 1);
      await book.database.entries.write("Ada", "one more", 0);
      const [id] = await next;
      stream.abort();
      await stream.finished;
      return id ?? 0;
    };
    expect(await from("/events?after=7")).toBe(8);
    expect(await from("/events?after=7", { "Last-Event-ID": "50" })).toBe(51);
    const before = (await book.database.entries.page("newest", 1)).entries[0]?.id ?? 0;
    expect(await from("/events")).toBe(before + 1);
    expect((await book.browser().get("/events?after=x")).status).toBe(400);

    // More than one look gives.
    const stream = await book.browser().open("GET", "/events?after=0");
    expect(await take(idsOf(stream.body), 120)).toEqual(Array.from({ length: 120 }, (_, i) => i + 1));
    stream.abort();
    await stream.finished;
  });

  it("says something now and then, so that nobody takes it for dead", async () => {
    const http = client(events(book.database, { keepAliveMilliseconds: 5 }));
    const stream = await http.open("GET", "/events");
    let comments = 0;
    for await (const chunk of stream.body) if (Buffer.from(chunk).toString().startsWith(":") && ++comments === 3) break;
    stream.abort();
    await stream.finished;
    expect(book.database.watchers.size).toBe(0);
  });

  it.each(["the server stops", "it is drained"])("ends when %s", async (why) => {
    const stream = await book.browser().open("GET", "/events?after=0");
    const rest = (async () => {
      for await (const _ of stream.body);
    })();
    if (why === "it is drained") book.app.drain();
    else stream.cancel();
    await rest;
    expect((await stream.finished).outcome).toBe("finished");
    expect(book.database.watchers.size).toBe(0);
    if (why === "it is drained") {
      expect((await book.browser().get("/readyz")).status).toBe(503);
      expect((await book.browser().get("/events")).status).toBe(503);
      expect((await book.browser().get("/")).status).toBe(200);
    }
  });

  it("has room for so many, and gives a place free again", async () => {
    const http = client(events(book.database, { maxWatchers: 2 }));
    const streams = [await http.open("GET", "/events"), await http.open("GET", "/events")];
    const full = await http.get("/events");
    expect([full.status, full.headers.get("Retry-After")]).toEqual([503, "30"]);
    streams[0]?.abort();
    await streams[0]?.finished;
    const next = await http.open("GET", "/events");
    for (const stream of [streams[1], next]) {
      stream?.abort();
      await stream?.finished;
    }
  });

  it("answers HEAD without beginning", async () => {
    const head = await book.browser().head("/events");
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    expect(book.database.watchers.size).toBe(0);
  });

  it("asks the database once for all who have come as far", async () => {
    let asked = 0;
    const { database } = book;
    const counting = { ...database.entries, after: (id: number, limit: number) => (asked++, database.entries.after(id, limit)) };
    const http = client(events({ ...database, entries: counting }));
    const streams = await Promise.all(Array.from({ length: 20 }, () => http.open("GET", "/events?after=0")));
    const all = streams.map(({ body }) => idsOf(body));
    const next = Promise.all(all.map((ids) => take(ids, 1)));
    await database.entries.write("Ada", "one", 1);
    expect((await next).flat()).toEqual(Array<number>(20).fill(1));
    expect(asked).toBeLessThan(10);
    for (const stream of streams) stream.abort();
    await Promise.all(streams.map(({ finished }) => finished));
  });
});
