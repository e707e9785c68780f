import { beforeEach, describe, expect, it } from "vitest";
import { Clock, keepers, onion, secret, setCookies, site, starter, type Start } from "./test-onion.ts";

describe.each(keepers)("the cookie of a session in %s", (_name, keeper) => {
  let clock: Clock;
  let start: Start;
  beforeEach(() => {
    clock = new Clock();
    start = starter(keeper, clock);
  });

  describe("a cookie that is no good", () => {
    it.each([
      ["of nonsense", () => "sid=nonsense"],
      ["that is empty", () => "sid="],
      ["cut short", (cookie: string) => cookie.slice(0, -1)],
      ["changed", (cookie: string) => `${cookie.slice(0, -2)}${cookie.at(-2) === "A" ? "B" : "A"}${cookie.slice(-1)}`],
      ["with padding", (cookie: string) => `${cookie}=`],
      ["in quotes", (cookie: string) => `sid="${cookie.slice(4)}"`],
      ["under another name", (cookie: string) => cookie.replace("sid", "SID")],
      ["that came twice", (cookie: string) => `${cookie}; ${cookie}`],
      ["beside a planted one", (cookie: string) => `${cookie}; sid=planted`],
      ["behind a planted one", (cookie: string) => `sid=planted; ${cookie}`],
    ])("%s makes an empty new session, and no error", async (_what, spoil) => {
      const app = site({
        "/set": (session) => session.set("user", "Ada"),
        "/get": (session) => [session.get("user") ?? null, session.isNew],
      });
      const http = onion(app, { now: clock.now, ...keeper(clock) }, { cookies: false });
      const cookie = (setCookies(await http.get("/set"))[0] ?? "").split(";")[0] ?? "";
      expect((await http.get("/get", { headers: { Cookie: cookie } })).json()).toEqual(["Ada", false]);
      const response = await http.get("/get", { headers: { Cookie: spoil(cookie) } });
      expect(response.json()).toEqual([null, true]);
      expect(setCookies(response)).toEqual([]);
    });

    it("gives its id to no new session", async () => {
      const http = start({ "/": (session) => [session.set("user", "Eve"), session.id][1] }, {}, { cookies: false });
      const first = await http.get("/");
      const planted = `${(setCookies(first)[0] ?? "").split(";")[0]?.slice(0, -1)}`;
      const second = await http.get("/", { headers: { Cookie: planted } });
      expect(second.json()).not.toBe(first.json());
      expect(setCookies(second)[0]?.slice(0, 26)).not.toBe(setCookies(first)[0]?.slice(0, 26));
    });
  });

  it("opens cookies of old secrets, and makes new ones with the first", async () => {
    const other = "another secret, which is long enough too";
    const shared = keeper(clock);
    const app = site({ "/": (session) => session.update("count", (count = 0) => count + 1) });
    const before = onion(app, { now: clock.now, ...shared });
    await before.get("/");
    const rotated = onion(app, { now: clock.now, ...shared, secret: [other, secret] });
    rotated.cookies.set("sid", before.cookies.get("sid") ?? "");
    expect((await rotated.get("/")).json()).toBe(2);
    const after = onion(app, { now: clock.now, ...shared, secret: other });
    after.cookies.set("sid", rotated.cookies.get("sid") ?? "");
    expect((await after.get("/")).json()).toBe(3);
    after.cookies.set("sid", before.cookies.get("sid") ?? "");
    expect((await after.get("/")).json()).toBe(1);
  });
});
