import { HTTPError } from "@gateway/core";
import { beforeEach, describe, expect, it } from "vitest";
import type { Session } from "./session.ts";
import { Clock, keepers, onion, setCookies, starter, type Start, type TestData } from "./test-onion.ts";

describe.each(keepers)("a session in %s", (_name, keeper) => {
  let clock: Clock;
  let start: Start;
  beforeEach(() => {
    clock = new Clock();
    start = starter(keeper, clock);
  });

  it("keeps what is put into it from request to request", async () => {
    const http = start({
      "/set": (session) => {
        session.set("user", "Ada é 😀");
        session.set("count", 1);
        session.set("cart", [{ id: 1, tags: ["a"] }]);
        return [session.get("user"), session.isNew];
      },
      "/get": (session) => [
        session.get("user"),
        session.get("cart"),
        session.has("count"),
        session.get("big") ?? null,
        session.isNew,
      ],
      "/change": (session) => [session.delete("count"), session.delete("count"), session.set("user", "Grace")],
      "/entries": (session) => [...session.entries()],
      "/clear": (session) => [session.clear(), session.has("user"), [...session.entries()], session.isNew],
    });
    expect((await http.get("/set")).json()).toEqual(["Ada é 😀", true]);
    expect((await http.get("/get")).json()).toEqual(["Ada é 😀", [{ id: 1, tags: ["a"] }], true, null, false]);
    expect((await http.get("/change")).json()).toEqual([true, false, null]);
    expect((await http.get("/entries")).json()).toEqual([
      ["user", "Grace"],
      ["cart", [{ id: 1, tags: ["a"] }]],
    ]);
    expect((await http.get("/clear")).json()).toEqual([null, false, [], false]);
    expect((await http.get("/entries")).json()).toEqual([]);
  });

  it("leaves no trace where it is not used", async () => {
    const http = start({ "/": () => "page", "/set": (session) => session.set("count", 1) });
    expect([...(await http.get("/")).headers].map(([name]) => name)).toEqual(["Content-Type", "Content-Length"]);
    await http.get("/set");
    expect([...(await http.get("/")).headers].map(([name]) => name)).toEqual(["Content-Type", "Content-Length"]);
  });

  it.each<[string, (session: Session<TestData>) => unknown]>([
    ["get", (session) => session.get("user")],
    ["has", (session) => session.has("user")],
    ["entries", (session) => session.entries()],
    ["isNew", (session) => session.isNew],
    ["id", (session) => session.id],
    ["flash", (session) => session.flash("note")],
    ["delete of what is not there", (session) => session.delete("user")],
    ["clear of what is empty", (session) => session.clear()],
    ["destroy of what is new", (session) => session.destroy()],
    ["regenerate of what is new and empty", (session) => session.regenerate()],
    ["set and delete of the same key", (session) => [session.set("user", "x"), session.delete("user")]],
  ])("makes the answer depend on the cookie, and sets none, by %s", async (_what, use) => {
    const http = start({ "/": use });
    const response = await http.get("/");
    expect(response.headers.get("Vary")).toBe("Cookie");
    expect(setCookies(response)).toEqual([]);
    expect(response.headers.has("Cache-Control")).toBe(false);
  });

  it("sets the cookie when something was written, and keeps the answer from shared caches", async () => {
    const http = start({ "/set": (session) => session.set("count", 1), "/get": (session) => session.get("count") });
    const response = await http.get("/set");
    expect(setCookies(response)).toHaveLength(1);
    expect(setCookies(response)[0]).toMatch(/^sid=[A-Za-z0-9_.-]+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(response.headers.get("Vary")).toBe("Cookie");
    expect(response.headers.get("Cache-Control")).toBe("private");
    expect(setCookies(await http.get("/get"))).toEqual([]);
  });

  it("uses the __Host- name over https", async () => {
    const http = start(
      { "/": (session) => session.update("count", (count = 0) => count + 1) },
      {},
      { origin: "https://localhost" },
    );
    expect(setCookies(await http.get("/"))[0]).toMatch(/^__Host-sid=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect((await http.get("/")).json()).toBe(2);
  });

  it("gives out what cannot be changed in secret, and takes copies", async () => {
    const cart = [{ id: 1, tags: ["a"] }];
    const http = start({
      "/set": (session) => {
        session.set("cart", cart);
        cart[0]?.tags.push("later");
        return session.get("cart");
      },
      "/push": (session) => {
        const known = session.get("cart") as unknown as TestData["cart"];
        const attempts = [
          () => known.push({ id: 2, tags: [] }),
          () => known[0]?.tags.push("b"),
          () => Object.assign(known[0] ?? {}, { id: 3 }),
        ];
        return attempts.map((attempt) => {
          try {
            return [attempt()];
          } catch (error) {
            return error instanceof TypeError;
          }
        });
      },
      "/add": (session) => session.set("cart", [...(session.get("cart") ?? []), { id: 2, tags: [] }]),
      "/get": (session) => session.get("cart"),
    });
    expect((await http.get("/set")).json()).toEqual([{ id: 1, tags: ["a"] }]);
    expect((await http.get("/push")).json()).toEqual([true, true, true]);
    await http.get("/add");
    expect((await http.get("/get")).json()).toEqual([
      { id: 1, tags: ["a"] },
      { id: 2, tags: [] },
    ]);
  });

  it("refuses what JSON cannot hold, and is unchanged then", async () => {
    const http = start({
      "/": (session) => {
        session.set("count", 1);
        for (const value of [undefined, Number.NaN, new Date(), () => {}])
          expect(() => session.set("count", value as number)).toThrow(TypeError);
        expect(() => session.flash("count", undefined as unknown as number)).toThrow(TypeError);
        return session.get("count");
      },
      "/get": (session) => session.get("count"),
    });
    expect((await http.get("/")).json()).toBe(1);
    expect((await http.get("/get")).json()).toBe(1);
  });

  it("updates a value by what it was", async () => {
    const http = start({
      "/": (session) => session.update("count", (count = 0) => count + 1),
      "/stop": (session) => [session.update("count", () => undefined), session.has("count")],
    });
    expect((await http.get("/")).json()).toBe(1);
    expect((await http.get("/")).json()).toBe(2);
    expect((await http.get("/stop")).json()).toEqual([null, false]);
    expect((await http.get("/")).json()).toBe(1);
  });

  it("keeps keys that objects know already", async () => {
    const keys = ["__proto__", "constructor", "hasOwnProperty", "10", "", "é"] as unknown as ["user"];
    const http = start({
      "/set": (session) => keys.forEach((key) => session.set(key, `value of ${key}`)),
      "/get": (session) => keys.map((key) => session.get(key)),
    });
    await http.get("/set");
    expect((await http.get("/get")).json()).toEqual(keys.map((key) => `value of ${key}`));
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  describe("flash", () => {
    it("is read once, by a later request", async () => {
      const http = start({
        "/leave": (session) => [session.flash("note", "Saved"), session.flash("note"), session.get("note") ?? null],
        "/other": () => "page",
        "/read": (session) => [session.flash("note"), session.flash("note"), session.has("note")],
        "/again": (session) => session.flash("note"),
      });
      expect((await http.get("/leave")).json()).toEqual([null, null, null]);
      await http.get("/other");
      expect((await http.get("/read")).json()).toEqual(["Saved", null, false]);
      expect((await http.get("/again")).text()).toBe("nothing");
    });

    it("can be left again by the request that has read one", async () => {
      const http = start({ "/": (session) => [session.flash("note"), session.flash("note", "next"), session.flash("note")] });
      expect((await http.get("/")).json()).toEqual([null, null, null]);
      expect((await http.get("/")).json()).toEqual(["next", null, null]);
      expect((await http.get("/")).json()).toEqual(["next", null, null]);
    });
  });

  it("stores with a serializer what that can hold", async () => {
    const serializer = {
      stringify: (value: unknown) =>
        JSON.stringify(value, function (this: Record<string, unknown>, key, inner: unknown) {
          return this[key] instanceof Date ? { $date: this[key].getTime() } : inner;
        }),
      parse: (text: string): unknown =>
        JSON.parse(text, (_key, inner: unknown) =>
          typeof inner === "object" && inner !== null && "$date" in inner ? new Date(Number(inner.$date)) : inner,
        ),
    };
    const when = new Date(0);
    const http = start(
      {
        "/set": (session) => {
          session.set("user", when as unknown as string);
          session.set("cart", [{ id: 1, tags: [] }]);
          expect(() => session.set("count", undefined as unknown as number)).toThrow("use delete");
          const kept: unknown = session.get("user");
          return [kept instanceof Date, kept !== when];
        },
        "/get": (session) => [(session.get("user") as unknown) instanceof Date, Object.isFrozen(session.get("cart"))],
      },
      { serializer },
    );
    expect((await http.get("/set")).json()).toEqual([true, true]);
    expect((await http.get("/get")).json()).toEqual([true, true]);
  });

  it("takes its attributes from a function of the request, which may look at the session", async () => {
    const http = start(
      { "/": (session) => session.set("user", "Ada"), "/remember": (session) => session.set("count", 1) },
      {
        name: "app",
        cookie: (environ: { [key: `${string}.${string}`]: unknown }) =>
          (environ["gateway.session"] as Session<TestData>).has("count") ? { maxAgeSeconds: 3600 } : {},
      },
    );
    expect(setCookies(await http.get("/"))[0]).not.toContain("Max-Age");
    expect(setCookies(await http.get("/remember"))[0]).toMatch(/^app=[^;]+; Max-Age=3600; Path=\//);
  });

  it("refuses to be written where a browser would drop the cookie, and says why", async () => {
    const http = start(
      { "/": (session) => session.set("user", "Ada"), "/get": (session) => session.get("user") },
      { cookie: { secure: true } },
    );
    const response = await http.get("/", { errors: "expected" });
    expect(response.status).toBe(500);
    expect(response.errors).toContain("the request came over http, and browsers drop this cookie there, because it is Secure");
    expect((await http.get("/get")).status).toBe(200);
  });

  it("saves nothing when the application throws, and still says that the answer depends on the cookie", async () => {
    const error = new HTTPError(404, "Nothing here", { headers: [["X-Reason", "test"]] });
    const http = start({
      "/set": (session) => session.set("count", 1),
      "/throw": (session) => {
        session.set("count", 2);
        throw error;
      },
      "/untouched": () => {
        throw error;
      },
      "/fail": (session) => {
        session.set("count", 3);
        throw new Error("broken");
      },
      "/get": (session) => session.get("count"),
    });
    await http.get("/set");
    const response = await http.get("/throw");
    expect([response.status, response.text()]).toEqual([404, "Nothing here\n"]);
    expect(response.headers.get("Vary")).toBe("Cookie");
    expect(response.headers.get("X-Reason")).toBe("test");
    expect(setCookies(response)).toEqual([]);
    expect((await http.get("/untouched")).headers.has("Vary")).toBe(false);
    expect((await http.get("/fail", { errors: "expected" })).status).toBe(500);
    expect((await http.get("/get")).json()).toBe(1);
  });

  it("adds to the Vary and Cache-Control that are there", async () => {
    const http = onion(
      (environ, startResponse) => {
        environ["gateway.session"].set("count", 1);
        startResponse("200 OK", [
          ["Content-Type", "text/plain"],
          ["vary", "Accept"],
          ["cache-control", "public, max-age=60"],
        ]);
        return [];
      },
      { now: clock.now, ...keeper(clock) },
    );
    const { headers } = await http.get("/");
    expect(headers.getAll("Vary")).toEqual(["Accept, Cookie"]);
    expect(headers.getAll("Cache-Control")).toEqual(["public, max-age=60, private"]);
  });

  it.each(["204 No Content", "304 Not Modified"])("works with %s", async (status) => {
    const http = onion(
      (environ, startResponse) => {
        environ["gateway.session"].update("count", (count = 0) => count + 1);
        startResponse(status, []);
        return [];
      },
      { now: clock.now, ...keeper(clock) },
    );
    const response = await http.get("/");
    expect(response.statusLine).toBe(status);
    expect(setCookies(response)).toHaveLength(1);
    expect(response.headers.get("Vary")).toBe("Cookie");
  });

  it("works with HEAD as with GET", async () => {
    const http = start({ "/": (session) => session.update("count", (count = 0) => count + 1) });
    const response = await http.head("/");
    expect([response.bytes.length, response.headers.get("Content-Length"), setCookies(response).length]).toEqual([0, "1", 1]);
    expect((await http.get("/")).json()).toBe(2);
  });
});
