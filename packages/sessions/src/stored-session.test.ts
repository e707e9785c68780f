import { createHash } from "node:crypto";
import { HeaderFields, isThenable } from "@gateway/core";
import { buildEnviron } from "@gateway/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { memoryStore, type MemoryStore } from "./memory-store.ts";
import type { Session } from "./session.ts";
import { sessions } from "./sessions.ts";
import type { SessionRecord, SessionStore } from "./store.ts";
import { Clock, noting, onion, page, secret, site, slowly, type TestApplication, type TestData } from "./test-onion.ts";

const text = (body: string): Buffer => Buffer.from(body);
const plain = (): [string, string][] => [["Content-Type", "text/plain"]];
const down = (): never => {
  throw new Error("the store is down");
};

let clock: Clock;
let memory: MemoryStore;
beforeEach(() => {
  clock = new Clock();
  memory = memoryStore({ now: () => clock.now() });
});

const handlers: Readonly<Record<string, (session: Session<TestData>) => unknown>> = {
  "/": () => "page",
  "/set": (session) => session.set("user", "Ada"),
  "/get": (session) => session.get("user"),
  "/count": (session) => session.update("count", (count = 0) => count + 1),
  "/logout": (session) => session.destroy(),
  "/login": (session) => session.regenerate(),
  "/id": (session) => session.id,
};

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

describe("requests at the same time", () => {
  /** A store that lets a request read, then runs something else, before the request writes. */
  const meanwhile = (work: () => Promise<unknown>): SessionStore & { readonly notes: string[] } => {
    let done = false;
    const store = noting(memory);
    return {
      ...store,
      notes: store.notes,
      synchronous: false,
      async write(id, record) {
        if (!done) {
          done = true;
          await work();
        }
        return store.write(id, record);
      },
    };
  };
  const cookieOf = async (path = "/set"): Promise<{ Cookie: string }> => {
    const http = onion(site(handlers), { store: memory, now: clock.now });
    await http.get(path);
    return { Cookie: `sid=${http.cookies.get("sid")}` };
  };
  const ask = async (
    work: (session: Session<TestData>) => unknown,
    headers: { Cookie: string },
    store: SessionStore = memory,
  ): Promise<{ json(): unknown; headers: HeaderFields }> =>
    onion(page(work), { store, now: clock.now }, { cookies: false }).get("/", { headers });

  it("both keep what they changed under different keys", async () => {
    const headers = await cookieOf();
    const store = meanwhile(() =>
      ask((session) => [session.set("note", "other"), session.delete("user"), session.flash("big", "b")], headers),
    );
    await ask((session) => session.set("count", 1), headers, store);
    expect(store.notes).toEqual(["read", "write 2", "read", "write 3"]);
    expect((await ask((session) => [Object.fromEntries(session.entries()), session.flash("big")], headers)).json()).toEqual([
      { note: "other", count: 1 },
      "b",
    ]);
  });

  it("both count", async () => {
    const headers = await cookieOf("/count");
    const increment = (session: Session<TestData>): unknown => session.update("count", (count = 0) => count + 1);
    await ask(
      increment,
      headers,
      meanwhile(() => ask(increment, headers)),
    );
    expect((await ask((session) => session.get("count"), headers)).json()).toBe(3);
  });

  it("do not bring back what one of them has destroyed", async () => {
    const headers = await cookieOf();
    const response = await ask(
      (session) => session.set("count", 1),
      headers,
      meanwhile(() => ask((session) => session.destroy(), headers)),
    );
    expect(memory.size).toBe(0);
    // The other answer has taken the cookie away, or somebody has logged in again since: it is not ours any more.
    expect(response.headers.has("Set-Cookie")).toBe(false);
  });

  it("do not bring back by a new id what one of them has destroyed", async () => {
    const headers = await cookieOf();
    await ask(
      (session) => session.regenerate(),
      headers,
      meanwhile(() => ask((session) => session.destroy(), headers)),
    );
    expect(memory.size).toBe(0);
  });

  it("take along to the new id what another has saved meanwhile", async () => {
    const headers = await cookieOf();
    const response = await ask(
      (session) => [session.set("count", 1), session.regenerate()],
      headers,
      meanwhile(() => ask((session) => session.set("note", "other"), headers)),
    );
    const fresh = { Cookie: (response.headers.get("Set-Cookie") ?? "").split(";")[0] ?? "" };
    expect((await ask((session) => Object.fromEntries(session.entries()), fresh)).json()).toEqual({
      user: "Ada",
      note: "other",
      count: 1,
    });
  });

  it("find a session moved away gone", async () => {
    const headers = await cookieOf();
    await ask(
      (session) => session.set("count", 1),
      headers,
      meanwhile(() => ask((session) => session.regenerate(), headers)),
    );
    expect((await ask((session) => session.isNew, headers)).json()).toBe(true);
  });

  it("destroy also what another has given a new id meanwhile, and yet another", async () => {
    const headers = await cookieOf();
    let moved: { Cookie: string } | undefined;
    const move = async (from: { Cookie: string }): Promise<void> => {
      const response = await ask((session) => session.regenerate(), from);
      moved = { Cookie: (response.headers.get("Set-Cookie") ?? "").split(";")[0] ?? "" };
    };
    const twice = async (): Promise<void> => {
      await move(headers);
      await move(moved ?? headers);
    };
    await ask((session) => session.destroy(), headers, meanwhile(twice));
    expect((await ask((session) => session.isNew, moved ?? headers)).json()).toBe(true);
    clock.advanceSeconds(60);
    memory.prune();
    expect(memory.size).toBe(0);
  });

  it("destroy what another goes on saving", async () => {
    const headers = await cookieOf();
    await ask(
      (session) => session.destroy(),
      headers,
      meanwhile(() => ask((session) => session.set("count", 1), headers)),
    );
    expect(memory.size).toBe(0);
    const eager: SessionStore = { ...noting(memory), write: () => false };
    const again = await cookieOf();
    await ask((session) => session.destroy(), again, eager);
    expect(memory.size).toBe(0);
  });

  it("do not prolong by a touch what one of them has destroyed", async () => {
    const headers = await cookieOf();
    clock.advanceSeconds(100);
    const store = noting(memory);
    const slow: SessionStore = {
      ...store,
      async touch(id, expiresAt) {
        await ask((session) => session.destroy(), headers);
        return store.touch(id, expiresAt);
      },
    };
    await ask((session) => session.get("user"), headers, slow);
    expect(store.notes).toEqual(["read", "touch"]);
    expect(memory.size).toBe(0);
  });

  it("all save in the end, however many they are", async () => {
    const headers = await cookieOf("/count");
    const store = slowly(memory);
    const count = 50;
    await Promise.all(
      Array.from({ length: count }, () => ask((session) => session.update("count", (n = 0) => n + 1), headers, store)),
    );
    expect((await ask((session) => session.get("count"), headers)).json()).toBe(count + 1);
  });

  it("end with 503 where that would go on for ever", async () => {
    const headers = await cookieOf();
    const store: SessionStore = { ...noting(memory), write: () => false };
    const http = onion(
      page((session) => session.set("count", 1)),
      { store, now: clock.now },
      { cookies: false },
    );
    const response = await http.get("/", { headers, errors: "expected" });
    expect([response.status, response.text()]).toEqual([503, "Too many requests change this session at once.\n"]);
    expect(response.errors).toContain("100 times in a row another request changed the session first");
  });

  it("are told of a store that breaks its contract", async () => {
    const store: SessionStore = { ...noting(memory), write: () => false };
    const http = onion(site(handlers), { store });
    expect((await http.get("/set", { errors: "expected" })).errors).toContain("it breaks its contract");
  });
});

describe("a body that streams", () => {
  /** Notes what reaches the client, and what the store has by then. */
  const watched = async (
    app: TestApplication,
    store: SessionStore = slowly(memory),
  ): Promise<{ events: string[]; count: unknown }> => {
    const first = onion(site(handlers), { store: memory, now: clock.now });
    await first.get("/count");
    const id = (await first.get("/id")).json() as string;
    const events: string[] = [];
    const layer = sessions<TestData>({
      secret,
      now: clock.now,
      store: {
        ...store,
        synchronous: store.synchronous,
        write: (key: string, record: SessionRecord) => {
          const written = store.write(key, record);
          const done = (value: boolean): boolean => {
            events.push("saved");
            return value;
          };
          return isThenable(written) ? written.then(done) : done(written);
        },
      },
    });
    const environ = buildEnviron({
      method: "GET",
      target: "/",
      headers: [["Cookie", `sid=${first.cookies.get("sid")}`]],
    });
    const body = await layer(app)(environ, () => () => {});
    for await (const chunk of body) events.push(Buffer.from(chunk).toString());
    events.push("end");
    await body.close?.();
    const data = memory.read(id)?.data ?? "gone";
    return { events, count: /"count":(\d+)/.exec(data)?.[1] ?? data };
  };

  const streaming = (headers: [string, string][]): TestApplication =>
    async function* (environ, startResponse) {
      startResponse("200 OK", [...plain(), ...headers]);
      environ["gateway.session"].get("count");
      yield text("one");
      yield text("two");
      environ["gateway.session"].set("count", 7);
    };

  it("is saved before its end where only the end tells the client that it is whole", async () => {
    expect(await watched(streaming([]))).toEqual({ events: ["one", "two", "saved", "end"], count: "7" });
  });

  it("is saved before its last octet where the client counts them", async () => {
    expect(await watched(streaming([["Content-Length", "6"]]))).toEqual({ events: ["one", "saved", "two", "end"], count: "7" });
  });

  it("is given whole when it is longer than it said: that is for others to find out", async () => {
    expect((await watched(streaming([["content-length", "3"]]))).events).toEqual(["one", "two", "saved", "end"]);
  });

  it("stays synchronous with a store that answers at once", async () => {
    const app: TestApplication = function* (environ, startResponse) {
      startResponse("200 OK", plain());
      yield text("one");
      environ["gateway.session"].set("count", 7);
    };
    const layer = sessions<TestData>({ secret, store: memory, now: clock.now });
    const first = onion(site(handlers), { store: memory, now: clock.now });
    await first.get("/count");
    const environ = buildEnviron({
      method: "POST",
      target: "/",
      headers: [["Cookie", `sid=${first.cookies.get("sid")}`]],
    });
    const body = layer(app)(environ, () => () => {});
    if (isThenable(body) || !(Symbol.iterator in body)) throw new Error("it is not synchronous any more");
    expect([...body].map((chunk) => Buffer.from(chunk).toString())).toEqual(["one"]);
    expect((await first.get("/count")).json()).toBe(8);
  });

  it("can be changed also by a stream that has no end, when the client leaves", async () => {
    const http = onion(
      async function* (environ, startResponse) {
        const session = environ["gateway.session"];
        session.set("count", 0);
        startResponse("200 OK", plain());
        for (;;) yield text(`${session.update("count", (count = 0) => count + 1)}`);
      },
      { store: slowly(memory) },
    );
    const response = await http.open("GET", "/");
    for await (const chunk of response.body) if (Buffer.from(chunk).toString() === "5") break;
    response.abort();
    await response.finished;
    const after = onion(site(handlers), { store: memory });
    after.cookies.set("sid", http.cookies.get("sid") ?? "");
    expect((await after.get("/count")).json()).toBeGreaterThanOrEqual(6);
  });

  it("may destroy its session, but neither give it a new id nor begin one", async () => {
    const http = onion(
      async function* (environ, startResponse) {
        const session = environ["gateway.session"];
        const { isNew } = session;
        startResponse("200 OK", plain());
        yield text("some");
        expect(() => session.regenerate()).toThrow("the head of the answer has gone");
        if (isNew) expect(() => session.set("count", 1)).toThrow("the client has no cookie for a new session");
        else {
          session.destroy();
          expect(() => session.set("count", 1)).toThrow("the client has no cookie for a new session");
        }
      },
      { store: slowly(memory) },
    );
    await http.get("/");
    const first = onion(site(handlers), { store: memory });
    await first.get("/count");
    http.cookies.set("sid", first.cookies.get("sid") ?? "");
    await http.get("/");
    expect(memory.size).toBe(0);
  });

  it("keeps what others have saved while it was on its way", async () => {
    const first = onion(site(handlers), { store: memory });
    await first.get("/set");
    const http = onion(
      async function* (environ, startResponse) {
        const session = environ["gateway.session"];
        session.set("note", "before the head");
        startResponse("200 OK", plain());
        yield text("some");
        await first.get("/count");
        session.set("big", "late");
      },
      { store: slowly(memory) },
    );
    http.cookies.set("sid", first.cookies.get("sid") ?? "");
    await http.get("/");
    const after = onion(
      page((session) => Object.fromEntries(session.entries())),
      { store: memory },
    );
    after.cookies.set("sid", first.cookies.get("sid") ?? "");
    expect((await after.get("/")).json()).toEqual({ user: "Ada", note: "before the head", count: 1, big: "late" });
  });

  it("is broken off when the late save fails, so that the client does not take it for whole", async () => {
    let failing = false;
    const slow = slowly(memory);
    const store: SessionStore = {
      ...slow,
      write: (id, record) => (failing ? Promise.reject(new Error("the disk is full")) : slow.write(id, record)),
    };
    const http = onion(
      async function* (environ, startResponse) {
        environ["gateway.session"].set("count", 1);
        startResponse("200 OK", plain());
        yield text("some");
        failing = true;
        environ["gateway.session"].set("count", 2);
      },
      { store },
    );
    await expect(http.get("/", { errors: "expected" })).rejects.toThrow("The session cannot be reached just now.");
  });

  it("has the failure of its late save written down when the client has left", async () => {
    let failing = false;
    const slow = slowly(memory);
    const store: SessionStore = {
      ...slow,
      write: (id, record) => (failing ? Promise.reject(new Error("the disk is full")) : slow.write(id, record)),
    };
    const http = onion(
      async function* (environ, startResponse) {
        environ["gateway.session"].set("count", 1);
        startResponse("200 OK", plain());
        yield text("some");
        environ["gateway.session"].set("count", 2);
        failing = true;
        for (;;) yield text("more");
      },
      { store },
    );
    const response = await http.open("GET", "/", { errors: "expected" });
    for await (const chunk of response.body) if (Buffer.from(chunk).toString() === "more") break;
    response.abort();
    expect((await response.finished).outcome).toBe("gone");
  });
});

describe("a store that is down", () => {
  const broken = (operation: "read" | "write" | "touch" | "delete", how: "at once" | "later"): SessionStore => ({
    ...noting(memory),
    synchronous: how === "at once",
    [operation]: how === "at once" ? down : async () => down(),
  });
  const requests = { read: "/get", write: "/count", touch: "/get", delete: "/logout" } as const;
  const failures = (["read", "write", "touch", "delete"] as const).flatMap((operation) =>
    (["at once", "later"] as const).map((how) => [operation, how] as const),
  );

  const withCookie = async (options: Parameters<typeof onion>[1]): Promise<ReturnType<typeof onion>> => {
    const first = onion(site(handlers), { store: memory, now: clock.now });
    await first.get("/set");
    clock.advanceSeconds(100);
    const http = onion(site(handlers), { now: clock.now, ...options });
    http.cookies.set("sid", first.cookies.get("sid") ?? "");
    return http;
  };

  it.each(failures)("is answered with 503 and written down when it fails to %s, %s", async (operation, how) => {
    const http = await withCookie({ store: broken(operation, how) });
    const response = await http.get(requests[operation], { errors: "expected" });
    expect(response.status).toBe(503);
    expect(response.text()).toBe("The session cannot be reached just now.\n");
    expect(response.headers.has("Set-Cookie")).toBe(false);
    expect(response.errors).toContain(`the store failed to ${operation}`);
    expect(response.errors).toContain("the store is down");
  });

  it.each(failures)("is passed over when it fails to %s, %s, where that is wanted", async (operation, how) => {
    const told: unknown[] = [];
    const http = await withCookie({
      store: broken(operation, how),
      onStoreError: (error, details) => {
        told.push([(error as Error).message, details.operation, details.environ.PATH_INFO]);
        return "continue";
      },
    });
    const response = await http.get(requests[operation], { errors: "expected" });
    expect(response.status).toBe(200);
    expect(told).toEqual([["the store is down", operation, requests[operation]]]);
    expect(response.errors).toContain(`the store failed to ${operation}`);
  });

  it("does not cost a visitor the session that could not be read", async () => {
    const http = await withCookie({ store: broken("read", "later"), onStoreError: "continue" });
    const response = await http.get("/count", { errors: "expected" });
    expect(response.json()).toBe(1);
    expect(response.headers.has("Set-Cookie")).toBe(false);
    expect(response.errors).toContain("what the request changed was not saved");
    const mended = onion(site(handlers), { store: memory, now: clock.now });
    mended.cookies.set("sid", http.cookies.get("sid") ?? "");
    expect((await mended.get("/get")).text()).toBe('"Ada"');
  });

  it("takes a verdict that is none for a failure", async () => {
    const http = await withCookie({ store: broken("read", "later"), onStoreError: () => undefined as unknown as "fail" });
    const response = await http.get("/get", { errors: "expected" });
    expect(response.status).toBe(500);
    expect(response.errors).toContain('onStoreError is "fail", "continue"');
  });

  it("does not run the application, and closes the body of one that has run", async () => {
    let runs = 0;
    let closed = 0;
    const app: TestApplication = (environ, startResponse) => {
      runs++;
      environ["gateway.session"].set("count", 1);
      startResponse("200 OK", plain());
      return { [Symbol.iterator]: () => [text("body")][Symbol.iterator](), close: () => void closed++ };
    };
    const first = onion(site(handlers), { store: memory, now: clock.now });
    await first.get("/set");
    for (const [operation, expected] of [
      ["read", [0, 0]],
      ["write", [1, 1]],
    ] as const) {
      for (const how of ["at once", "later"] as const) {
        [runs, closed] = [0, 0];
        const http = onion(app, { store: broken(operation, how), now: clock.now });
        http.cookies.set("sid", first.cookies.get("sid") ?? "");
        expect((await http.get("/", { errors: "expected" })).status).toBe(503);
        expect([runs, closed]).toEqual(expected);
      }
    }
  });

  it("leaves other errors alone", async () => {
    const http = onion(
      page((session) => {
        session.set("count", 1);
        throw new Error("mine");
      }),
      { store: memory, onStoreError: "continue" },
    );
    const response = await http.get("/", { errors: "expected" });
    expect(response.status).toBe(500);
    expect(response.errors).toContain("mine");
  });
});
