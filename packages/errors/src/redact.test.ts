import { buildEnviron } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { isSecret, shownEnviron, shownError } from "./redact.ts";

describe("isSecret", () => {
  it.each([
    "HTTP_AUTHORIZATION",
    "HTTP_PROXY_AUTHORIZATION",
    "HTTP_COOKIE",
    "HTTP_X_API_KEY",
    "HTTP_X_CSRF_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "MYSQL_PWD",
    "password",
    "Passphrase",
    "sessionId",
    "PHPSESSID",
    "SSL_CLIENT_CERT",
    "private",
  ])("hides %s", (name) => {
    expect(isSecret(name)).toBe(true);
  });

  it.each(["PATH_INFO", "HTTP_HOST", "HTTP_ACCEPT", "HTTP_USER_AGENT", "REMOTE_ADDR", "page", "SERVER_NAME"])(
    "shows %s",
    (name) => {
      expect(isSecret(name)).toBe(false);
    },
  );
});

describe("shownEnviron", () => {
  const shown = (overrides: object): Record<string, string> =>
    Object.fromEntries(shownEnviron(buildEnviron({ target: "/a?Token=x&b=1&pass%77ord=x&c", overrides })));

  it("hides secrets in queries, however they are spelt", () => {
    expect(shown({})).toMatchObject({
      QUERY_STRING: "Token=x&b=1&pass%77ord=x&c".replaceAll("=x", "=[hidden]"),
      REQUEST_URI: "/a?Token=[hidden]&b=1&pass%77ord=[hidden]&c",
    });
  });

  it("hides who is named in an address", () => {
    expect(shown({ URL: "https://a:b@host/@x", OTHER: "redis://h/a@b", THIRD: "s://u@h" })).toMatchObject({
      URL: "https://[hidden]@host/@x",
      OTHER: "redis://h/a@b",
      THIRD: "s://[hidden]@h",
    });
  });

  it("tells of objects and functions only that they are there, and nothing of what is not", () => {
    const values = shown({ "a.object": { secret: 1 }, "a.list": [1], "a.absent": undefined, "a.number": 1 });
    expect(values).toMatchObject({
      "a.object": "[object]",
      "a.list": "[object]",
      "a.number": "1",
      "wsgi.version": "1.0",
      "wsgi.file_wrapper": "[function]",
    });
    expect("a.absent" in values).toBe(false);
  });

  it("copes with a query that cannot be decoded", () => {
    expect(shown({ QUERY_STRING: "%zz=1&=&%E0%A4=token" })["QUERY_STRING"]).toBe("%zz=1&=&%E0%A4=token");
  });
});

describe("shownError", () => {
  it("keeps name, message, stack, causes and plain properties, and hides the others", () => {
    const error = Object.assign(new TypeError("boom", { cause: new RangeError("deeper") }), {
      code: "E",
      token: "t",
      request: { headers: {} },
    });
    const copy = shownError(error);
    expect([copy.name, copy.message, copy.stack]).toEqual(["TypeError", "boom", error.stack]);
    expect((copy.cause as Error).message).toBe("deeper");
    expect(Object.entries(copy)).toEqual([
      ["code", "E"],
      ["token", "[hidden]"],
    ]);
  });

  it("ends where a cause is its own", () => {
    const error = new Error("round");
    error.cause = error;
    let depth = 0;
    for (let cause: unknown = shownError(error); cause instanceof Error; cause = cause.cause) depth++;
    expect(depth).toBe(6);
  });

  it("makes an error of anything", () => {
    expect(shownError("text").message).toBe("thrown: text");
    expect(shownError({ a: 1 }).message).toBe('thrown: {"a":1}');
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(shownError(cycle).message).toBe("A value was thrown that cannot be shown.");
  });
});
