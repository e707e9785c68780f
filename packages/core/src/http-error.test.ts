import { describe, expect, it } from "vitest";
import type { HeaderList } from "./contract.ts";
import { HTTPError, isHTTPError } from "./http-error.ts";

describe("HTTPError", () => {
  it("has the status line of its code, and says it when it has nothing else to say", () => {
    const error = new HTTPError(404);
    expect(error.status).toBe("404 Not Found");
    expect(error.message).toBe("404 Not Found");
    expect(error.name).toBe("HTTPError");
    expect(error.headers).toEqual([]);
    expect("cause" in error).toBe(false);
  });

  it("keeps its message, even an empty one", () => {
    expect(new HTTPError(400, "no such field").message).toBe("no such field");
    expect(new HTTPError(400, "").message).toBe("");
  });

  it("keeps headers and cause", () => {
    const headers: HeaderList = [["Retry-After", "1"]];
    const cause = new Error("why");
    const error = new HTTPError(503, "later", { headers, cause });
    expect(error.headers).toBe(headers);
    expect(error.cause).toBe(cause);
  });

  it("gives each error a header list of its own", () => {
    expect(new HTTPError(400).headers).not.toBe(new HTTPError(400).headers);
  });

  it("is an Error with a stack", () => {
    const error = new HTTPError(400);
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain("http-error.test");
  });

  it("takes a code without a phrase", () => {
    expect(new HTTPError(499).status).toBe("499");
  });

  it.each([399, 600, 200, 0, 404.5, NaN])("refuses the code %d", (code) => {
    expect(() => new HTTPError(code)).toThrow(RangeError);
  });

  it("shows no brand to those who list its keys", () => {
    expect(Object.keys(new HTTPError(400)).toSorted()).toEqual(["headers", "name", "status"]);
  });
});

describe("isHTTPError", () => {
  it("knows one", () => {
    expect(isHTTPError(new HTTPError(400))).toBe(true);
  });

  it("knows one of a subclass", () => {
    class Teapot extends HTTPError {}
    expect(isHTTPError(new Teapot(418))).toBe(true);
  });

  it("knows one of another copy of core, by its brand", () => {
    const foreign = Object.assign(new Error("gone"), { status: "410 Gone", headers: [], [Symbol.for("gateway.HTTPError")]: true });
    expect(foreign).not.toBeInstanceOf(HTTPError);
    expect(isHTTPError(foreign)).toBe(true);
  });

  it.each([undefined, null, "404 Not Found", 404, new Error("x"), { status: "404 Not Found", headers: [] }, () => {}])(
    "takes nothing else for one (%j)",
    (value) => {
      expect(isHTTPError(value)).toBe(false);
    },
  );
});
