import { isThenable } from "@gateway/core";
import { buildEnviron } from "@gateway/testing";
import { beforeEach, describe, expect, it } from "vitest";
import { memoryStore, type MemoryStore } from "./memory-store.ts";
import { sessions } from "./sessions.ts";
import type { SessionRecord, SessionStore } from "./store.ts";
import { Clock, onion, page, secret, site, slowly, type TestApplication, type TestData } from "./test-onion.ts";
import { handlers, plain, text } from "./test-stored.ts";

let clock: Clock;
let memory: MemoryStore;
beforeEach(() => {
  clock = new Clock();
  memory = memoryStore({ now: () => clock.now() });
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
