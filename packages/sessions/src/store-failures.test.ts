import { beforeEach, describe, expect, it } from "vitest";
import { memoryStore, type MemoryStore } from "./memory-store.ts";
import type { SessionStore } from "./store.ts";
import { Clock, noting, onion, page, site, type TestApplication } from "./test-onion.ts";
import { down, handlers, plain, text } from "./test-stored.ts";

let clock: Clock;
let memory: MemoryStore;
beforeEach(() => {
  clock = new Clock();
  memory = memoryStore({ now: () => clock.now() });
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

  it.each(["read", "write", "delete"] as const)("keeps nobody in who logs out while it fails to %s", async (operation) => {
    for (const how of ["at once", "later"] as const) {
      const http = await withCookie({ store: broken(operation, how), onStoreError: "continue" });
      const response = await http.get("/logout", { errors: "expected" });
      expect([response.status, response.headers.getAll("Set-Cookie")]).toEqual([200, [expect.stringMatching(/^sid=; Max-Age=0;/)]]);
      expect(http.cookies.list()).toEqual([]);
    }
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
