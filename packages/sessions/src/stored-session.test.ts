import { createHash } from "node:crypto";
import { isThenable } from "@gateway/core";
import { beforeEach, describe, expect, it } from "vitest";
import { memoryStore, type MemoryStore } from "./memory-store.ts";
import type { Session } from "./session.ts";
import type { SessionsOptions } from "./sessions-options.ts";
import type { SessionRecord, SessionStore } from "./store.ts";
import { Clock, noting, onion, page, site, slowly, type TestData } from "./test-onion.ts";
import { down, handlers, plain, text } from "./test-stored.ts";

let clock: Clock;
let memory: MemoryStore;
beforeEach(() => {
  clock = new Clock();
  memory = memoryStore({ now: () => clock.now() });
});

describe("a session in a store", () => {
  it("asks the store as little as it can", async () => {
    const store = noting(memory);
    const http = onion(site(handlers), { store, now: clock.now });
    const asked = async (path: string, headers: Record<string, string> = {}): Promise<string[]> => {
      store.notes.length = 0;
      await http.get(path, { headers });
      return [...store.notes];
    };
    expect(await asked("/")).toEqual([]);
    expect(await asked("/get")).toEqual([]);
    expect(await asked("/get", { Cookie: `sid=${"x".repeat(22)}.${"y".repeat(43)}` })).toEqual([]);
    expect(await asked("/get", { Cookie: "sid=a; sid=b" })).toEqual([]);
    expect(await asked("/logout")).toEqual([]);
    expect(await asked("/set")).toEqual(["write 1"]);
    expect(await asked("/get")).toEqual(["read"]);
    expect(await asked("/set")).toEqual(["read", "write 2"]);
    clock.advanceSeconds(59);
    expect(await asked("/get")).toEqual(["read"]);
    clock.advanceSeconds(1);
    expect(await asked("/get")).toEqual(["read", "touch"]);
    expect(await asked("/get")).toEqual(["read"]);
    clock.advanceSeconds(100);
    expect(await asked("/")).toEqual(["read"]);
    expect(await asked("/login")).toEqual(["read", "write 1", "write 3"]);
    expect(await asked("/logout")).toEqual(["read", "write 2", "delete"]);
    expect(await asked("/get")).toEqual([]);
  });

  it("keeps the cookie out of the store, and the id that the application sees out of the cookie", async () => {
    const ids: string[] = [];
    const store: SessionStore = {
      ...noting(memory),
      write(id, record) {
        ids.push(id, record.data);
        return memory.write(id, record);
      },
    };
    const http = onion(site(handlers), { store });
    await http.get("/set");
    const cookie = http.cookies.get("sid") ?? "";
    const [raw = "", signature = ""] = cookie.split(".");
    expect(ids[0]).toBe(createHash("sha256").update(raw).digest("base64url"));
    for (const known of ids) for (const part of [raw, signature]) expect(known).not.toContain(part);
    const id: unknown = (await http.get("/id")).json();
    expect(id).toBe(ids[0]);
    expect(cookie).not.toContain(id);
  });

  it("leaves no row behind for what is new and empty", async () => {
    const http = onion(
      page((session) => [session.set("user", "x"), session.clear(), session.regenerate()]),
      { store: memory },
    );
    await http.get("/");
    expect(memory.size).toBe(0);
  });

  it("makes the old id worthless when it is regenerated, and when it is destroyed", async () => {
    const http = onion(site(handlers), { store: memory, now: clock.now });
    for (const path of ["/login", "/logout"]) {
      await http.get("/set");
      const old = `sid=${http.cookies.get("sid")}`;
      await http.get(path);
      const thief = onion(site(handlers), { store: memory, now: clock.now }, { cookies: false });
      expect((await thief.get("/get", { headers: { Cookie: old } })).text()).toBe("nothing");
    }
    // What stands where the session was before it was moved is for requests that are under way.
    expect(memory.size).toBe(1);
    clock.advanceSeconds(60);
    expect(memory.prune()).toBe(1);
  });

  it("is over when its record is not in the store any more, and gets another id", async () => {
    const http = onion(site(handlers), { store: memory });
    await http.get("/set");
    const before = http.cookies.get("sid");
    void memory.close?.();
    const response = await http.get("/get");
    expect(response.text()).toBe("nothing");
    expect(response.headers.has("Set-Cookie")).toBe(false);
    await http.get("/set");
    expect(http.cookies.get("sid")?.slice(0, 22)).not.toBe(before?.slice(0, 22));
  });

  it.each(["", "moved", "no time", "1700000000000", "1700000000000 nonsense", "1700000000000 [1]", "NaN [{}]", " [{}]", "-1 [{}]"])(
    "takes the record %j for none, and writes over it by no means",
    async (data) => {
      const http = onion(site(handlers), { store: memory, now: clock.now });
      await http.get("/set");
      const id = ((await http.get("/id")).json() as string) ?? "";
      const known = memory.read(id) as SessionRecord;
      memory.write(id, { ...known, data, version: 2 });
      expect((await http.get("/get")).text()).toBe("nothing");
      await http.get("/set");
      expect(memory.read(id)).toEqual({ ...known, data, version: 2 });
      expect((await http.get("/get")).text()).toBe('"Ada"');
    },
  );

  it("refuses more than maxDataBytes where it is put in", async () => {
    const http = onion(
      page((session) => {
        session.set("big", "x".repeat(80));
        expect(() => session.set("user", "y")).toThrow("more than maxDataBytes, 100");
        return [...session.entries()].length;
      }),
      { store: memory, maxDataBytes: 100 },
    );
    expect((await http.get("/")).json()).toBe(1);
  });

  it.each<[string, Partial<SessionsOptions>, number]>([
    ["parts of seconds", { idleSeconds: 86_400 / 7 }, 12_342_857],
    ["parts of seconds, in all", { absoluteSeconds: 1.0005 }, 1000],
    ["no end at all", { idleSeconds: Number.MAX_VALUE, absoluteSeconds: Infinity }, 8_640_000_000_000_000 - 1_700_000_000_000],
  ])(
    "gives every store an end that it can hold, with %s and a clock that tells parts of milliseconds",
    async (_, options, lasts) => {
      const ends: number[] = [];
      const store: SessionStore = {
        ...noting(memory),
        write: (id, record) => (ends.push(record.expiresAt), memory.write(id, record)),
        touch: (id, expiresAt) => (ends.push(expiresAt), memory.touch(id, expiresAt)),
      };
      const now = (): number => clock.time + 0.25;
      const http = onion(site(handlers), { store, now, touchSeconds: 0, ...options });
      for (const path of ["/count", "/get", "/login", "/count"]) await http.get(path);
      expect(ends.length).toBeGreaterThan(3);
      expect(ends.every((end) => Number.isSafeInteger(end))).toBe(true);
      expect(ends[0]).toBe(clock.time + lasts);
      expect((await http.get("/count")).text()).toBe("3");
    },
  );

  it("has the store pruned now and then, and writes a failure down", async () => {
    const store = noting(memory);
    const http = onion(site(handlers), { store, now: clock.now, pruneSeconds: 100, idleSeconds: 50 });
    await http.get("/set");
    clock.advanceSeconds(99);
    await http.get("/set");
    expect(store.notes).not.toContain("prune");
    clock.advanceSeconds(1);
    await http.get("/set");
    await http.get("/set");
    expect(store.notes.filter((note) => note === "prune")).toHaveLength(1);
    expect(memory.size).toBe(1);
    // It is not put off until a clock that was set back is where it was.
    clock.advanceSeconds(-100_000);
    await http.get("/set");
    clock.advanceSeconds(100);
    await http.get("/set");
    expect(store.notes.filter((note) => note === "prune")).toHaveLength(2);
    for (const prune of [down, async () => down()]) {
      clock.advanceSeconds(100);
      const failing = onion(site(handlers), { store: { ...noting(memory), prune }, now: clock.now, pruneSeconds: 1 });
      clock.advanceSeconds(2);
      const response = await failing.get("/set", { errors: "expected" });
      expect(response.status).toBe(200);
      expect(response.errors).toContain("the store failed to prune");
    }
  });
});

describe("lazy: true", () => {
  it("reads the store when it is told to, once", async () => {
    const store = noting(memory);
    const http = onion(
      async (environ, startResponse) => {
        const session = environ["gateway.session"];
        if (environ.PATH_INFO === "/count") {
          await Promise.all([session.load(), session.load()]);
          await session.load();
          session.update("count", (count = 0) => count + 1);
        }
        startResponse("200 OK", plain());
        return [text(environ.PATH_INFO === "/count" ? `${session.get("count")}` : "page")];
      },
      { store: slowly(store), lazy: true },
    );
    expect((await http.get("/count")).text()).toBe("1");
    expect((await http.get("/count")).text()).toBe("2");
    await http.get("/");
    expect(store.notes).toEqual(["write 1", "read", "write 2"]);
  });

  it("says so when it is used before", async () => {
    for (const use of Object.values<(session: Session<TestData>) => unknown>({
      ...handlers,
      "/": (session) => session.isNew,
      has: (session) => session.has("user"),
      flash: (session) => session.flash("note", "x"),
    })) {
      const http = onion(page(use), { store: memory, lazy: true });
      expect((await http.get("/", { errors: "expected" })).errors).toContain("await session.load() first");
    }
  });

  it("gives no promise where the store answers at once", async () => {
    const http = onion(
      page((session) => [isThenable(session.load()), session.update("count", (count = 0) => count + 1)]),
      { store: memory, lazy: true },
    );
    expect((await http.get("/")).json()).toEqual([false, 1]);
    expect((await http.get("/")).json()).toEqual([false, 2]);
  });

  it("can be loaded by a body that streams, and saved", async () => {
    const http = onion(
      async function* (environ, startResponse) {
        startResponse("200 OK", [...plain(), ["Cache-Control", "private"]]);
        yield text("some ");
        if (environ.PATH_INFO === "/") return;
        const session = environ["gateway.session"];
        await session.load();
        yield text(`${session.update("count", (count = 0) => count + 1)}`);
      },
      { store: slowly(memory), lazy: true },
    );
    await expect(http.get("/count", { errors: "expected" })).rejects.toThrow("the client has no cookie for a new session");
    const first = onion(site(handlers), { store: memory });
    await first.get("/count");
    http.cookies.set("sid", first.cookies.get("sid") ?? "");
    expect((await http.get("/count")).text()).toBe("some 2");
    expect((await http.get("/")).text()).toBe("some ");
    expect((await http.get("/count")).text()).toBe("some 3");
  });
});
