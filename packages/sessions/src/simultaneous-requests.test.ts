import { HeaderFields } from "@gateway/core";
import { beforeEach, describe, expect, it } from "vitest";
import { memoryStore, type MemoryStore } from "./memory-store.ts";
import type { Session } from "./session.ts";
import type { SessionStore } from "./store.ts";
import { Clock, noting, onion, page, site, slowly, type TestData } from "./test-onion.ts";
import { handlers } from "./test-stored.ts";

let clock: Clock;
let memory: MemoryStore;
beforeEach(() => {
  clock = new Clock();
  memory = memoryStore({ now: () => clock.now() });
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

  it("do not make a session larger than one of them may", async () => {
    const big = "x".repeat(600);
    const options = { now: clock.now, maxDataBytes: 1000 };
    const headers = await cookieOf();
    const store = meanwhile(() =>
      onion(
        page((session) => session.set("note", big)),
        { store: memory, ...options },
        { cookies: false },
      ).get("/", { headers }),
    );
    const http = onion(
      page((session) => session.set("big", big)),
      { store, ...options },
      { cookies: false },
    );
    const response = await http.get("/", { headers, errors: "expected" });
    expect([response.status, response.errors]).toEqual([500, expect.stringContaining("more than maxDataBytes, 1000")]);
    expect((await ask((session) => [session.has("note"), session.has("big")], headers)).json()).toEqual([true, false]);
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
