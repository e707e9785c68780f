import { PassThrough } from "node:stream";
import type { Application } from "@gateway/core";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { CGIHandler, SimpleHandler, type SimpleHandlerOptions } from "./index.ts";

const hello: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`hello ${environ.PATH_INFO}`)];
};

const echo: Application = async (environ, startResponse) => {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [body];
};

interface Run {
  output: string;
  errors: string;
  isWhole: boolean;
}

async function serve(
  app: Application,
  environ: Record<string, string>,
  body = "",
  options: Partial<SimpleHandlerOptions> = {},
): Promise<Run> {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const run: Run = { output: "", errors: "", isWhole: false };
  stdout.on("data", (chunk: Buffer) => (run.output += chunk.toString("latin1")));
  stderr.on("data", (chunk: Buffer) => (run.errors += chunk.toString()));
  // It stays open, as with some front servers.
  stdin.write(body);
  const all = { REQUEST_METHOD: "GET", PATH_INFO: "/", ...environ };
  run.isWhole = await new SimpleHandler({ environ: all, stdin, stdout, stderr, ...options }).run(app);
  await new Promise((resolve) => setImmediate(resolve));
  return run;
}

describe("SimpleHandler", () => {
  it("serves one request from variables and streams", async () => {
    expect(await serve(validator(hello), { PATH_INFO: "/é" })).toEqual({
      output: "Content-Type: text/plain\r\nContent-Length: 9\r\nStatus: 200 OK\r\n\r\nhello /\xc3\xa9",
      errors: "",
      isWhole: true,
    });
  });

  it("speaks like a server of HTTP where it is one", async () => {
    const { output } = await serve(hello, {}, "", { originServer: true });
    expect(output).toMatch(
      /^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\nConnection: close\r\nDate: .* GMT\r\nContent-Length: 7\r\n\r\nhello \/$/,
    );
    const dated = await serve(
      (_environ, startResponse) => {
        startResponse("204 No Content", [["Date", "then"]]);
        return [];
      },
      {},
      "",
      { originServer: true },
    );
    expect(dated.output).toBe("HTTP/1.1 204 No Content\r\nDate: then\r\nConnection: close\r\n\r\n");
  });

  it("reads a body exactly as long as it is, of a stream that does not end", async () => {
    expect((await serve(validator(echo), { REQUEST_METHOD: "POST", CONTENT_LENGTH: "5" }, "hello, world")).output).toMatch(
      /\r\n\r\nhello$/,
    );
    expect((await serve(validator(echo), { REQUEST_METHOD: "POST", CONTENT_LENGTH: "" }, "hello")).output).toMatch(/\r\n\r\n$/);
    expect((await serve(validator(echo), { REQUEST_METHOD: "POST" }, "hello")).output).toMatch(/\r\n\r\n$/);
  });

  it("answers what cannot be a request, and reports nothing", async () => {
    for (const [environ, status] of [
      [{ REQUEST_METHOD: "" }, "400 Bad Request"],
      [{ PATH_INFO: "a" }, "400 Bad Request"],
      [{ CONTENT_LENGTH: "9".repeat(30) }, "413 Content Too Large"],
      [{ CONTENT_LENGTH: "11" }, "413 Content Too Large"],
      [{ REQUEST_METHOD: "HEAD", PATH_INFO: "/b" }, "404 Not Found"],
    ] as const) {
      const run = await serve(hello, environ, "hello, world", {
        maxBodyBytes: 10,
        mounts: ["", "/a"].slice("PATH_INFO" in environ ? 1 : 0),
      });
      expect(run.output).toContain(`Status: ${status}`);
      expect(run).toMatchObject({ isWhole: true, errors: "" });
      if ("REQUEST_METHOD" in environ && environ.REQUEST_METHOD === "HEAD") expect(run.output.endsWith("\r\n\r\n")).toBe(true);
    }
  });

  it("gives a clean 500 before the first byte, and says that it broke off behind it", async () => {
    const early = await serve((_environ, startResponse) => {
      startResponse("200 OK", [["X-First", "yes"]]);
      throw new Error("on purpose");
    }, {});
    expect(early.output).toContain("Status: 500 Internal Server Error");
    expect(early.output).not.toContain("X-First");
    expect(early.errors).toContain("on purpose");
    expect(early.isWhole).toBe(true);
    const late = await serve((_environ, startResponse) => {
      startResponse("200 OK", []);
      return (function* broken() {
        yield Buffer.from("begun");
        throw new Error("on purpose");
      })();
    }, {});
    expect(late.output).toMatch(/\r\n\r\nbegun$/);
    expect(late.isWhole).toBe(false);
  });

  it("waits for a slow reader, and pulls no more than it takes; many writes at once are one wait", async () => {
    const stdout = new PassThrough({ highWaterMark: 1000 });
    let pulled = 0;
    const running = serve(
      (_environ, startResponse) => {
        const write = startResponse("200 OK", []);
        for (let i = 0; i < 20; i++) void write(Buffer.alloc(100, "w"));
        return (function* body() {
          for (; pulled < 50; pulled++) yield Buffer.alloc(100, "b");
        })();
      },
      {},
      "",
      { stdout },
    );
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(pulled).toBe(0);
    let output = "";
    stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    expect((await running).isWhole).toBe(true);
    expect(output.split("\r\n\r\n")[1]).toBe("w".repeat(2000) + "b".repeat(5000));
  });

  it("closes the body once when nobody reads any more, and tells how much was taken", async () => {
    const stdout = new PassThrough({ highWaterMark: 10 });
    const notes: string[] = [];
    const running = serve(
      (environ, startResponse) => {
        environ["gateway.exchange"].onEnd(({ outcome }) => notes.push(outcome));
        startResponse("200 OK", []);
        const chunks = (function* body() {
          for (;;) yield Buffer.alloc(100);
        })();
        return Object.assign(chunks, { close: () => void notes.push("close") });
      },
      { REQUEST_METHOD: "POST", CONTENT_LENGTH: "1000" },
      "not all of it",
      { stdout },
    );
    await new Promise((resolve) => setImmediate(resolve));
    stdout.destroy(new Error("EPIPE"));
    expect((await running).isWhole).toBe(false);
    expect(notes).toEqual(["close", "gone"]);
  });

  it.each([
    ['{"originServer":1}', TypeError],
    ['{"multiprocess":"x"}', TypeError],
    ['{"runOnce":0}', TypeError],
    ['{"maxBodyBytes":-1}', RangeError],
    ['{"maxReadBytes":"1"}', RangeError],
    ['{"mounts":["a"]}', TypeError],
    ['{"mount":["/a"]}', TypeError],
  ])("refuses %s", (json, error) => {
    const options = JSON.parse(json) as Partial<SimpleHandlerOptions>;
    const streams = { environ: {}, stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
    expect(() => new SimpleHandler({ ...streams, ...options })).toThrow(error);
  });
});

describe("CGIHandler", () => {
  it("refuses options that are none", () => {
    expect(() => new CGIHandler(JSON.parse('{"environ":{}}') as object)).toThrow(TypeError);
    expect(() => new CGIHandler({ maxReadBytes: 1.5 })).toThrow(RangeError);
  });
});
