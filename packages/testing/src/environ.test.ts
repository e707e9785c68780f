import { describe, expect, it } from "vitest";
import { buildEnviron } from "./index.ts";

describe("buildEnviron", () => {
  it("makes a whole environ of nothing", async () => {
    const environ = buildEnviron();
    expect(environ).toMatchObject({
      REQUEST_METHOD: "GET",
      SCRIPT_NAME: "",
      PATH_INFO: "/",
      QUERY_STRING: "",
      HTTP_HOST: "localhost",
    });
    expect(await environ["wsgi.input"].read()).toHaveLength(0);
    environ["wsgi.errors"].write("dropped");
  });

  it("splits and decodes the target", () => {
    const { PATH_INFO, QUERY_STRING, REQUEST_URI } = buildEnviron({ target: "/a%2Fb%20c?d=%20?e" });
    expect([PATH_INFO, QUERY_STRING, REQUEST_URI]).toEqual(["/a/b c", "d=%20?e", "/a%2Fb%20c?d=%20?e"]);
  });

  it("takes the host of an absolute target over that of the headers", () => {
    const environ = buildEnviron({ target: "http://a.example:81?q", headers: [["Host", "b.example"]] });
    expect(environ).toMatchObject({ HTTP_HOST: "a.example:81", PATH_INFO: "/", QUERY_STRING: "q" });
  });

  it("joins, drops and trims headers", () => {
    const environ = buildEnviron({
      headers: [
        ["X-A", " 1\t"],
        ["x-a", "2"],
        ["Cookie", "a=1"],
        ["cookie", "b=2"],
        ["X_A", "evil"],
        ["Proxy", "evil"],
        ["Content-Type", "text/plain"],
        ["Content-Length", "5"],
        ["Host", "example.com"],
      ],
    });
    expect(environ).toMatchObject({
      HTTP_X_A: "1, 2",
      HTTP_COOKIE: "a=1; b=2",
      CONTENT_TYPE: "text/plain",
      CONTENT_LENGTH: "5",
      HTTP_HOST: "example.com",
    });
    expect(Object.keys(environ).filter((key) => /PROXY|HTTP_CONTENT/.test(key))).toEqual([]);
  });

  it("takes SCRIPT_NAME off the path", () => {
    expect(buildEnviron({ target: "/sh%6Fp/x", scriptName: "/shop" })).toMatchObject({ SCRIPT_NAME: "/shop", PATH_INFO: "/x" });
    expect(() => buildEnviron({ target: "/shopping", scriptName: "/shop" })).toThrow(RangeError);
  });

  it("knows the scheme", () => {
    expect(buildEnviron({ scheme: "https" })).toMatchObject({ "wsgi.url_scheme": "https", HTTPS: "on", SERVER_PORT: "443" });
    expect(buildEnviron({ overrides: { "wsgi.url_scheme": "https" } })).toMatchObject({ HTTPS: "on" });
  });

  it("sets overrides last", () => {
    expect(buildEnviron({ headers: [["X-A", "1"]], overrides: { HTTP_X_A: "2", REMOTE_ADDR: "::1" } })).toMatchObject({
      HTTP_X_A: "2",
      REMOTE_ADDR: "::1",
    });
  });

  it("reads the body, and passes reports on", async () => {
    const reports: string[] = [];
    const chunks = [Buffer.from("ab"), Buffer.from("c")];
    const environ = buildEnviron({ source: { pull: () => chunks.shift() }, errors: (text) => reports.push(text) });
    expect(Buffer.from(await environ["wsgi.input"].read()).toString()).toBe("abc");
    environ["wsgi.errors"].writelines(["a\n", "b\n"]);
    environ["wsgi.errors"].flush();
    expect(reports).toEqual(["a\n", "b\n"]);
  });

  it.each(["/%", "/%0", "/%zz", "/%00"])("refuses %s, as a gateway does with 400", (target) => {
    expect(() => buildEnviron({ target })).toThrow(expect.objectContaining({ status: "400 Bad Request" }));
  });
});
