import { beforeEach, describe, expect, it } from "vitest";
import type { Session } from "./session.ts";
import { Clock, keepers, onion, setCookies, site, starter, type Start, type TestData } from "./test-onion.ts";

describe.each(keepers)("the life of a session in %s", (_name, keeper) => {
  let clock: Clock;
  let start: Start;
  beforeEach(() => {
    clock = new Clock();
    start = starter(keeper, clock);
  });

  describe("regenerate", () => {
    it("gives a new id and keeps what is in it", async () => {
      const http = start({
        "/set": (session) => [session.set("user", "Ada"), session.id][1],
        "/login": (session) => [session.id, session.regenerate(), session.id, session.get("user"), session.isNew],
        "/get": (session) => [session.id, session.get("user")],
      });
      const before = (await http.get("/set")).json();
      const [old, , fresh, user, isNew] = (await http.get("/login")).json() as unknown[];
      expect(old).toBe(before);
      expect(fresh).not.toBe(before);
      expect([user, isNew]).toEqual(["Ada", false]);
      expect((await http.get("/get")).json()).toEqual([fresh, "Ada"]);
    });

    it("begins the absolute time anew", async () => {
      const http = start(
        {
          "/set": (session) => session.set("user", "Ada"),
          "/login": (session) => session.regenerate(),
          "/get": (session) => session.get("user"),
        },
        { absoluteSeconds: 100 },
      );
      await http.get("/set");
      clock.advanceSeconds(90);
      await http.get("/login");
      clock.advanceSeconds(90);
      expect((await http.get("/get")).text()).toBe('"Ada"');
      clock.advanceSeconds(10);
      expect((await http.get("/get")).text()).toBe("nothing");
    });
  });

  describe("destroy", () => {
    it("ends the session and takes the cookie away", async () => {
      const http = start({
        "/set": (session) => session.set("user", "Ada"),
        "/logout": (session) => [session.destroy(), session.get("user") ?? null, session.isNew],
        "/get": (session) => [session.get("user") ?? null, session.isNew],
      });
      await http.get("/set");
      const response = await http.get("/logout");
      expect(response.json()).toEqual([null, null, true]);
      expect(setCookies(response)).toEqual([
        expect.stringMatching(/^sid=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax$/),
      ]);
      expect(response.headers.get("Cache-Control")).toBe("private");
      expect(http.cookies.list()).toEqual([]);
      expect((await http.get("/get")).json()).toEqual([null, true]);
    });

    it("lets a new session begin in the same request, with another id and nothing of the old one", async () => {
      const http = start({
        "/set": (session) => [session.set("user", "Ada"), session.id][1],
        "/logout": (session) => [session.destroy(), session.flash("note", "Bye"), session.id, session.isNew].slice(2),
        "/get": (session) => [session.id, session.get("user") ?? null, session.flash("note")],
      });
      const old = (await http.get("/set")).json();
      const [id, isNew] = (await http.get("/logout")).json() as unknown[];
      expect(id).not.toBe(old);
      expect(isNew).toBe(true);
      expect((await http.get("/get")).json()).toEqual([id, null, "Bye"]);
    });

    it("takes away a cookie that was no good", async () => {
      const http = start({ "/logout": (session) => session.destroy() });
      expect(setCookies(await http.get("/logout", { headers: { Cookie: "sid=rubbish" } }))).toHaveLength(1);
    });
  });

  describe("skipSave", () => {
    it("forgets what the request did", async () => {
      const http = start({
        "/set": (session) => session.set("count", 1),
        "/skip": (session) => [session.set("count", 2), session.skipSave(), session.get("count")][2],
        "/get": (session) => session.get("count"),
      });
      await http.get("/set");
      const response = await http.get("/skip");
      expect(response.json()).toBe(2);
      expect(setCookies(response)).toEqual([]);
      expect(response.headers.get("Vary")).toBe("Cookie");
      expect((await http.get("/get")).json()).toBe(1);
    });
  });

  describe("time", () => {
    const handlers = {
      "/set": (session: Session<TestData>) => session.set("user", "Ada"),
      "/get": (session: Session<TestData>) => session.get("user"),
      "/": () => "page",
    };

    it("ends it when it is idle for too long", async () => {
      const http = start(handlers, { idleSeconds: 100 });
      await http.get("/set");
      clock.advanceSeconds(99);
      expect((await http.get("/get")).text()).toBe('"Ada"');
      clock.advanceSeconds(100);
      expect((await http.get("/get")).text()).toBe("nothing");
    });

    it("ends it when it is too old, however much it is used", async () => {
      const http = start(handlers, { idleSeconds: 100, absoluteSeconds: 250, rolling: true, touchSeconds: 0 });
      await http.get("/set");
      for (const seconds of [80, 80, 80]) {
        clock.advanceSeconds(seconds);
        expect((await http.get("/get")).text()).toBe('"Ada"');
      }
      clock.advanceSeconds(9);
      expect((await http.get("/get")).text()).toBe('"Ada"');
      clock.advanceSeconds(1);
      expect((await http.get("/get")).text()).toBe("nothing");
    });

    it("renews the cookie by reading where it is rolling, once in a touch interval", async () => {
      const http = start(handlers, { idleSeconds: 100, touchSeconds: 10, rolling: true, cookie: { maxAgeSeconds: 100 } });
      await http.get("/set");
      const renewed: boolean[] = [];
      for (let i = 0; i < 6; i++) {
        clock.advanceSeconds(4);
        renewed.push(setCookies(await http.get("/get")).length === 1);
      }
      expect(renewed).toEqual([false, false, true, false, false, true]);
      clock.advanceSeconds(50);
      expect(setCookies(await http.get("/"))).toEqual([]);
    });

    it("lasts as long as the settings say now", async () => {
      const shared = keeper(clock);
      const before = onion(site(handlers), { now: clock.now, ...shared, absoluteSeconds: 1000 });
      await before.get("/set");
      const cookie = `sid=${before.cookies.get("sid")}`;
      clock.advanceSeconds(500);
      const after = onion(site(handlers), { now: clock.now, ...shared, absoluteSeconds: 500 });
      expect((await after.get("/get", { headers: { Cookie: cookie } })).text()).toBe("nothing");
      expect((await before.get("/get")).text()).toBe('"Ada"');
    });
  });
});
