import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Application, Environ } from "@gateway/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeServer } from "./server.ts";
import { hello, request, testServer, TestClient } from "./test-client.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-server-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function ask(
  options: { port: number; host?: string } | { path: string },
  text = request("/x", "Connection: close\r\n"),
): Promise<string> {
  const client = new TestClient(connect(options));
  client.send(text);
  return client.all();
}

function remember(): { app: Application; environs: Environ[] } {
  const environs: Environ[] = [];
  const app: Application = (environ, startResponse) => {
    environs.push({ ...environ });
    return hello(environ, startResponse);
  };
  return { app, environs };
}

describe("makeServer", () => {
  it("chooses a port, and says which", async () => {
    await using server = makeServer("127.0.0.1", 0, hello);
    expect(() => server.address()).toThrow(/does not listen/);
    const address = await server.listen();
    expect(address).toEqual({ kind: "tcp", host: "127.0.0.1", port: expect.any(Number) });
    expect(server.address()).toEqual(address);
    void server.serveForever();
    expect(await ask({ port: "port" in address ? address.port : 0 })).toContain("hello /x");
  });

  it("tells the application where it is and who asks", async () => {
    const { app, environs } = remember();
    await using server = await testServer(app);
    await server.exchange(request("/caf%C3%A9?a=b", "X-One: 1\r\nX-One: 2\r\nCookie: a=1\r\nCookie: b=2\r\n"));
    expect(environs[0]).toMatchObject({
      REQUEST_METHOD: "GET",
      SCRIPT_NAME: "",
      PATH_INFO: "/café",
      QUERY_STRING: "a=b",
      REQUEST_URI: "/caf%C3%A9?a=b",
      SERVER_NAME: "127.0.0.1",
      SERVER_PORT: String(server.port),
      SERVER_PROTOCOL: "HTTP/1.1",
      REMOTE_ADDR: "127.0.0.1",
      REMOTE_PORT: expect.stringMatching(/^\d+$/),
      HTTP_HOST: "test",
      HTTP_X_ONE: "1, 2",
      HTTP_COOKIE: "a=1; b=2",
      "wsgi.url_scheme": "http",
      "wsgi.input_terminated": true,
    });
  });

  it("lets the host of an absolute target go before the Host header", async () => {
    const { app, environs } = remember();
    await using server = await testServer(app);
    await server.exchange("GET http://other.example/a HTTP/1.1\r\nHost: test\r\n\r\n");
    expect(environs[0]).toMatchObject({ HTTP_HOST: "other.example", PATH_INFO: "/a", REQUEST_URI: "http://other.example/a" });
  });

  it("listens on all interfaces for an empty host, and shows IPv4 clients as such", async () => {
    const { app, environs } = remember();
    await using server = makeServer("", 0, app);
    const address = await server.listen();
    void server.serveForever();
    await ask({ port: "port" in address ? address.port : 0, host: "127.0.0.1" });
    expect(environs[0]).toMatchObject({ REMOTE_ADDR: "127.0.0.1", SERVER_NAME: "127.0.0.1" });
  });

  it("serves a Unix socket, and takes its file away", async () => {
    const { app, environs } = remember();
    const path = join(folder, "app.sock");
    const server = makeServer(`unix:${path}`, 0, app);
    expect(await server.listen()).toEqual({ kind: "unix", path });
    void server.serveForever();
    expect(await ask({ path })).toContain("hello /x");
    expect(environs[0]).toMatchObject({ SERVER_NAME: "localhost", SERVER_PORT: "80", REMOTE_ADDR: "", REMOTE_PORT: undefined });
    await server.shutdown();
    expect(existsSync(path)).toBe(false);
  });

  it("replaces a socket file that nobody answers on, and no other file", async () => {
    const path = join(folder, "stale.sock");
    const child = spawn(process.execPath, [
      "-e",
      `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`,
    ]);
    await once(child, "exit");
    expect(existsSync(path)).toBe(true);
    await using server = makeServer(`unix:${path}`, 0, hello);
    await server.listen();
    await using second = makeServer(`unix:${path}`, 0, hello);
    await expect(second.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    const file = join(folder, "file");
    writeFileSync(file, "precious");
    await using third = makeServer(`unix:${file}`, 0, hello);
    await expect(third.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    expect(existsSync(file)).toBe(true);
  });

  it("rejects a port that is taken", async () => {
    await using first = makeServer("127.0.0.1", 0, hello);
    const address = await first.listen();
    await using second = makeServer("127.0.0.1", "port" in address ? address.port : 0, hello);
    await expect(second.listen()).rejects.toMatchObject({ code: "EADDRINUSE" });
    await expect(second.serveForever()).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("serves a listening socket that was inherited", async () => {
    const program = `
      import { makeServer } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
      const server = makeServer("fd://3", 0, (environ, start) => { start("200 OK", []); return [Buffer.from("inherited")]; });
      await server.serveForever();`;
    const listener = createServer();
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const address = listener.address();
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "inherit", "inherit", handleOf(listener)],
    });
    listener.close();
    expect(await ask({ port: typeof address === "object" && address !== null ? address.port : 0, host: "127.0.0.1" })).toContain(
      "inherited",
    );
    child.kill();
    await once(child, "exit");
  });

  it.each([
    ["a port that is none", () => makeServer("", 65_536, hello), RangeError],
    ["a fraction of a port", () => makeServer("", 0.5, hello), RangeError],
    ["an empty Unix path", () => makeServer("unix:", 0, hello), TypeError],
    ["a Unix path that the system would cut off", () => makeServer(`unix:/${"a".repeat(107)}`, 0, hello), TypeError],
    ["a descriptor that is none", () => makeServer("fd://x", 0, hello), TypeError],
    ["a port inside the host", () => makeServer("127.0.0.1:8000", 0, hello), TypeError],
    ["a port that is a string", () => makeServer("127.0.0.1", JSON.parse('"80"'), hello), TypeError],
    ["TLS without a key", () => makeServer("", 0, hello, { tls: {} }), TypeError],
    ["an error stream that is none", () => makeServer("", 0, hello, { errors: JSON.parse("{}") }), TypeError],
    ["a duration that is a string", () => makeServer("", 0, hello, { headerSeconds: JSON.parse('"1"') }), RangeError],
    ["an unknown option", () => makeServer("", 0, hello, JSON.parse('{"headerByte":1}')), TypeError],
    ["a negative limit", () => makeServer("", 0, hello, { headerBytes: -1 }), RangeError],
    ["a duration that is no number", () => makeServer("", 0, hello, { headerSeconds: Number.NaN }), RangeError],
    ["a Server header with a line end", () => makeServer("", 0, hello, { serverHeader: "a\r\nb" }), TypeError],
    ["an application that is none", () => makeServer("", 0, JSON.parse("{}")), TypeError],
  ])("refuses %s", (_name, make, error) => {
    expect(make).toThrow(error);
  });
});

describe("handleRequest", () => {
  it("serves one request on its connection, and leaves the next to the next call", async () => {
    await using server = makeServer("127.0.0.1", 0, hello);
    const address = await server.listen();
    const port = "port" in address ? address.port : 0;
    const first = ask({ port, host: "127.0.0.1" }, request("/1") + request("/ignored"));
    const second = ask({ port, host: "127.0.0.1" }, request("/2"));
    await server.handleRequest();
    const one = await Promise.race([first, second]);
    expect(one).toContain("Connection: close");
    expect(one).not.toContain("/ignored");
    await server.handleRequest();
    const texts = (await Promise.all([first, second])).join();
    expect(texts).toContain("hello /1");
    expect(texts).toContain("hello /2");
  });

  it("waits for a request to come, and resolves when the server is shut down instead", async () => {
    const server = makeServer("127.0.0.1", 0, hello);
    const handled = server.handleRequest();
    await server.listen();
    await server.shutdown();
    await expect(handled).resolves.toBeUndefined();
  });
});

describe("shutdown", () => {
  it("lets the request under way finish, says close, and closes idle connections", async () => {
    let finish = (): void => {};
    const app: Application = async (environ, startResponse) => {
      if (environ.PATH_INFO === "/slow") await new Promise<void>((resolve) => (finish = resolve));
      return hello(environ, startResponse);
    };
    const server = await testServer(app);
    const idle = await server.connect();
    idle.send(request("/idle"));
    await idle.until((text) => text.endsWith("hello /idle"));
    const busy = await server.connect();
    busy.send(request("/slow"));
    const before = finish;
    await vi.waitUntil(() => finish !== before);
    const stopped = server.server.shutdown();
    await idle.all();
    await expect(ask({ port: server.port, host: "127.0.0.1" })).resolves.toBe("");
    finish();
    const text = await busy.all();
    expect(text).toContain("hello /slow");
    expect(text).toContain("Connection: close");
    await stopped;
    await server.server.shutdown();
  });

  it("cuts what has not finished in time, and closes its body", async () => {
    const closed = vi.fn<() => void>();
    const reason = vi.fn<(reason: unknown) => void>();
    const server = await testServer(
      (environ, startResponse) => {
        startResponse("200 OK", []);
        const { signal } = environ["gateway.exchange"];
        signal.addEventListener("abort", () => reason(signal.reason));
        const never: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
        return Object.assign(never, { close: closed });
      },
      { shutdownSeconds: 0.05 },
    );
    const client = await server.connect();
    client.send(request("/"));
    await server.exchange("");
    await server.server.shutdown();
    await client.closed;
    expect(closed).toHaveBeenCalledTimes(1);
    expect(reason).toHaveBeenCalledWith(expect.objectContaining({ code: "SERVER_STOPPING" }));
  });

  it("ends serveForever, and a server that never listened is shut down at once", async () => {
    const server = makeServer("127.0.0.1", 0, hello);
    await server.listen();
    const serving = server.serveForever();
    await server.shutdown();
    await serving;
    const other = makeServer("127.0.0.1", 0, hello);
    await other.shutdown();
    await expect(other.listen()).rejects.toThrow(/shut down/);
  });
});

/** The descriptor of a listening socket, to be inherited. */
function handleOf(listener: ReturnType<typeof createServer>): number {
  const handle: unknown = Reflect.get(listener, "_handle");
  if (typeof handle !== "object" || handle === null) throw new Error("the listener has no handle");
  return Number(Reflect.get(handle, "fd"));
}
