import { describe, expect, it, vi } from "vitest";
import type { Environ, FileLike } from "./contract.ts";
import { detachedExchange } from "./detached-exchange.ts";
import { FileWrapper } from "./file-wrapper.ts";
import { emptyInput } from "./input-stream.ts";
import { setupTestingDefaults } from "./testing-defaults.ts";

describe("setupTestingDefaults", () => {
  it("makes an empty object a complete environ", () => {
    expect(setupTestingDefaults({})).toEqual({
      REQUEST_METHOD: "GET",
      SCRIPT_NAME: "",
      PATH_INFO: "/",
      QUERY_STRING: "",
      SERVER_NAME: "127.0.0.1",
      SERVER_PORT: "80",
      SERVER_PROTOCOL: "HTTP/1.1",
      HTTP_HOST: "127.0.0.1",
      "wsgi.version": [1, 0],
      "wsgi.url_scheme": "http",
      "wsgi.input": emptyInput,
      "wsgi.errors": expect.objectContaining({ write: expect.any(Function) }),
      "wsgi.multithread": false,
      "wsgi.multiprocess": false,
      "wsgi.run_once": false,
      "wsgi.input_terminated": true,
      "wsgi.file_wrapper": expect.any(Function),
      "gateway.exchange": detachedExchange,
    });
  });

  it("changes and returns the object it was given", () => {
    const environ: Partial<Environ> = {};
    expect(setupTestingDefaults(environ)).toBe(environ);
  });

  it("keeps whatever is there", () => {
    const given: Partial<Environ> = {
      REQUEST_METHOD: "POST",
      SCRIPT_NAME: "/app",
      PATH_INFO: "/x",
      QUERY_STRING: "a=b",
      SERVER_NAME: "example.com",
      SERVER_PORT: "8080",
      SERVER_PROTOCOL: "HTTP/1.0",
      HTTP_HOST: "",
      "wsgi.url_scheme": "https",
      "wsgi.multithread": true,
      "my.key": null,
    };
    expect(setupTestingDefaults({ ...given })).toMatchObject(given);
  });

  it("takes the host from SERVER_NAME", () => {
    expect(setupTestingDefaults({ SERVER_NAME: "example.com" }).HTTP_HOST).toBe("example.com");
  });

  it("takes scheme and port from HTTPS", () => {
    const environ = setupTestingDefaults({ HTTPS: "on" });
    expect(environ["wsgi.url_scheme"]).toBe("https");
    expect(environ.SERVER_PORT).toBe("443");
  });

  it("takes the port from the scheme", () => {
    expect(setupTestingDefaults({ "wsgi.url_scheme": "https" }).SERVER_PORT).toBe("443");
  });

  it("fills in what is undefined", () => {
    expect(setupTestingDefaults({ HTTP_HOST: undefined }).HTTP_HOST).toBe("127.0.0.1");
  });

  it.each([
    [{ PATH_INFO: "/x" }, "", "/x"],
    [{ PATH_INFO: "" }, "", ""],
    [{ SCRIPT_NAME: "/app" }, "/app", ""],
    [{ SCRIPT_NAME: "" }, "", "/"],
  ])("completes the path of %j", (given, script, path) => {
    const environ = setupTestingDefaults(given);
    expect([environ.SCRIPT_NAME, environ.PATH_INFO]).toEqual([script, path]);
  });

  it("writes errors to the console, one line end fewer, which the console adds", () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const errors = setupTestingDefaults({})["wsgi.errors"];
    errors.write("one\n");
    errors.write("two\n\n");
    errors.write("three");
    errors.write("");
    errors.writelines(["four\n", "five\n"]);
    errors.flush();
    expect(log.mock.calls).toEqual([["one"], ["two\n"], ["three"], ["four\nfive"]]);
  });

  it("has a file wrapper", () => {
    const file: FileLike = { read: () => new Uint8Array(0) };
    const wrap = setupTestingDefaults({})["wsgi.file_wrapper"];
    expect(wrap?.(file)).toBeInstanceOf(FileWrapper);
    expect(wrap?.(file, 10)).toMatchObject({ file, blockSize: 10 });
  });
});
