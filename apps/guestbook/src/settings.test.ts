import { describe, expect, it } from "vitest";
import { readSettings } from "./settings.ts";

describe("readSettings", () => {
  it("needs nothing", () => {
    const nothing = {
      folder: "/srv/var",
      databaseUrl: undefined,
      redisUrl: undefined,
      secrets: undefined,
      trustedProxies: [],
      isDebug: false,
    };
    expect(readSettings({}, "/srv/var")).toEqual(nothing);
    expect(readSettings({ DATABASE_URL: "", REDIS_URL: "", SECRET: "", TRUST_PROXY: "", GUESTBOOK_DEBUG: "" }, "/srv/var")).toEqual(
      nothing,
    );
  });

  it("takes what it is given", () => {
    const [one, other] = ["1".repeat(32), "2".repeat(32)];
    const settings = readSettings(
      {
        GUESTBOOK_FOLDER: "/data",
        DATABASE_URL: "postgres://localhost/x",
        REDIS_URL: "rediss://localhost",
        SECRET: `${one}, ${other}`,
        TRUST_PROXY: "10.0.0.0/8, unix",
        GUESTBOOK_DEBUG: "1",
      },
      "/srv/var",
    );
    expect(settings).toEqual({
      folder: "/data",
      databaseUrl: "postgres://localhost/x",
      redisUrl: "rediss://localhost",
      secrets: [one, other],
      trustedProxies: ["10.0.0.0/8", "unix"],
      isDebug: true,
    });
  });

  it.each([
    [{ DATABASE_URL: "mysql://secret@localhost/x" }, /DATABASE_URL/],
    [{ REDIS_URL: "secret@localhost" }, /REDIS_URL/],
    [{ SECRET: `${"1".repeat(32)},secret` }, /SECRET/],
    [{ GUESTBOOK_DEBUG: "yes" }, /GUESTBOOK_DEBUG/],
  ])("refuses %o, and does not repeat what may be secret", (environment, message) => {
    expect(() => readSettings(environment, "/")).toThrow(message);
    expect(() => readSettings(environment, "/")).not.toThrow(/secret@|,secret/);
  });
});
