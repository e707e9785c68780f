import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { eventually, turns } from "@gateway/testing/campaign";
import { cannedServer, onceFor } from "@gateway/testing/canned-server";
import { afterEach, describe, expect, it, vi } from "vitest";
import { makeClient, type ClientOptions, type GatewayClient, type GatewayRequest } from "./client.ts";
import { makeServer } from "./scgi-server.ts";

// The clients of SCGI and uwsgi are one but for their packets: what is tested here holds for both.

const stops: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0)) await stop();
});

/** A server that says what it is told to, once something has come, and a client of it. */
async function canned(
  answer: (socket: Socket) => void,
  options: Partial<ClientOptions> = {},
  path?: string,
): Promise<{ client: GatewayClient; sockets: Socket[]; received: () => string }> {
  const { connect, sockets, received, stop } = await cannedServer(onceFor(answer), { path });
  stops.push(stop);
  return { client: makeClient({ connect, ...options }), sockets, received };
}

const get = (more: Partial<GatewayRequest> = {}): GatewayRequest => ({
  variables: { REQUEST_METHOD: "GET", PATH_INFO: "/" },
  ...more,
});

const post = (body: GatewayRequest["body"], length: number, more: Partial<GatewayRequest> = {}): GatewayRequest => ({
  variables: { REQUEST_METHOD: "POST", PATH_INFO: "/", CONTENT_LENGTH: `${length}` },
  body,
  ...more,
});

const ask = async (client: GatewayClient, request = get()): Promise<string> => text((await client.request(request)).body);
const ok = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nbody";
const sized = (length: number): string => ok.replace("\r\n\r\n", `\r\nContent-Length: ${length}\r\n\r\n`);

describe("makeClient of SCGI", () => {
  it("sends variables and body, and gives status, headers and body", async () => {
    const { client, received } = await canned((socket) => socket.end(ok));
    const response = await client.request(post([Buffer.from("hel"), Buffer.alloc(0), Buffer.from("lo")], 5));
    expect(response.status).toBe("200 OK");
    expect(response.headers).toEqual([["Content-Type", "text/plain"]]);
    expect(await text(response.body)).toBe("body");
    await eventually(() => received().endsWith("lo"));
    expect(received()).toBe(
      "70:CONTENT_LENGTH\x005\0SCGI\x001\0REQUEST_METHOD\0POST\0PATH_INFO\0/\0,hello".replace(
        "70",
        String(received().indexOf(",") - 3),
      ),
    );
  });

  it("takes variables in turn, where some repeat", async () => {
    const { client, received } = await canned((socket) => socket.end(ok));
    await ask(client, { variables: ["REQUEST_METHOD", "GET", "HTTP_X", "1", "HTTP_X", "2"] });
    expect(received()).toContain("HTTP_X\x001\0HTTP_X\x002\0");
  });

  it("streams both ways at once", async () => {
    const server = makeServer("127.0.0.1", 0, (environ, startResponse) => {
      startResponse("200 OK", []);
      return environ["wsgi.input"];
    });
    const address = await server.listen();
    void server.serveForever();
    stops.push(() => server.shutdown());
    const client = makeClient({ connect: address });
    let goOn = (): void => {};
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("first ");
      await new Promise<void>((resolve) => (goOn = resolve));
      yield Buffer.from("second");
    }
    const response = await client.request(post(body(), 12));
    const chunks = response.body[Symbol.asyncIterator]();
    expect(Buffer.from((await chunks.next()).value as Uint8Array).toString()).toBe("first ");
    goOn();
    expect(Buffer.from((await chunks.next()).value as Uint8Array).toString()).toBe("second");
    expect((await chunks.next()).done).toBe(true);
    const large = Buffer.alloc(5 * 1024 * 1024, "0123456789");
    expect(await ask(client, post([large], large.length))).toBe(large.toString());
  });

  it("does not wait for the end of the connection where the length is known, nor for HEAD, 204 and 304", async () => {
    const known = await canned((socket) => socket.write(sized(4)));
    expect(await ask(known.client)).toBe("body");
    const head = await canned((socket) => socket.write(sized(400)));
    expect(await ask(head.client, { variables: { REQUEST_METHOD: "HEAD" } })).toBe("");
    for (const status of ["204 No Content", "304 Not Modified"]) {
      const { client } = await canned((socket) => socket.write(`Status: ${status}\r\n\r\n`));
      expect(await ask(client)).toBe("");
    }
  });

  it.each([
    ["a body shorter than its length", sized(9), "TRUNCATED"],
    ["a body longer than its length", sized(3), "MALFORMED"],
    ["an end inside the head", "Status: 200 OK\r\n", "TRUNCATED"],
    ["no answer", "", "TRUNCATED"],
    ["what is no head", "hello\r\n\r\n", "MALFORMED"],
  ])("fails for %s", async (_name, answer, code) => {
    const { client } = await canned((socket) => socket.end(answer));
    await expect(ask(client)).rejects.toMatchObject({ name: "ClientError", code });
  });

  it("fails for a head that is too long, and for too many headers", async () => {
    const long = await canned((socket) => socket.end(`Status: 200 OK\r\nX: ${"x".repeat(200)}\r\n\r\n`), { headBytes: 100 });
    await expect(ask(long.client)).rejects.toMatchObject({ code: "MALFORMED" });
    const many = await canned((socket) => socket.end(`Status: 200 OK\r\n${"X: x\r\n".repeat(5)}\r\n`), { headerCount: 4 });
    await expect(ask(many.client)).rejects.toMatchObject({ code: "MALFORMED" });
  });

  it("fails for a connection that is reset, before the head, in the body, and where no length is known", async () => {
    for (const [answer, head] of [
      ["", false],
      [sized(100), true],
      [ok, true],
    ] as const) {
      for (let i = 0; i < 10; i++) {
        const { client } = await canned((socket) => {
          socket.write(answer);
          socket.resetAndDestroy();
        });
        const response = client.request(get());
        if (head) await expect(text((await response).body)).rejects.toMatchObject({ code: "TRUNCATED" });
        else await expect(response).rejects.toMatchObject({ code: "TRUNCATED" });
      }
    }
  });

  it("reads a whole response without a length, over TCP and over a Unix socket", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-scgi-"));
    stops.push(() => rmSync(folder, { recursive: true }));
    for (const close of ["end", "destroySoon"] as const) {
      for (const path of [undefined, join(folder, close)]) {
        const { client } = await canned(
          (socket) => {
            socket.write(ok);
            socket[close]();
          },
          {},
          path,
        );
        expect(await ask(client)).toBe("body");
      }
    }
  });

  it("rejects with the reason of a signal, and leaves the connection", async () => {
    const reason = new Error("enough");
    const { client, sockets, received } = await canned((socket) => socket.write(received().includes("/head") ? ok : ""));
    await expect(client.request(get({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(sockets).toHaveLength(0);
    const early = new AbortController();
    const connecting = client.request(get({ signal: early.signal }));
    early.abort(reason);
    await expect(connecting).rejects.toBe(reason);
    const waiting = new AbortController();
    const response = client.request(get({ signal: waiting.signal }));
    await eventually(() => received() !== "");
    waiting.abort(reason);
    await expect(response).rejects.toBe(reason);
    const reading = new AbortController();
    const { body } = await client.request({ variables: { REQUEST_METHOD: "GET", PATH_INFO: "/head" }, signal: reading.signal });
    reading.abort(reason);
    await expect(text(body)).rejects.toBe(reason);
    await eventually(() => sockets.every((socket) => socket.closed));
  });

  it("leaves the connection when the body is closed, or its loop left", async () => {
    const { client, sockets } = await canned((socket) => socket.write(ok));
    (await client.request(get())).body.close();
    for await (const chunk of (await client.request(get())).body) {
      expect(Buffer.from(chunk).toString()).toBe("body");
      break;
    }
    await eventually(() => sockets.length === 2 && sockets.every((socket) => socket.closed));
    const { body } = await client.request(get());
    body.close();
    body.close();
    expect(await text(body)).toBe("");
  });

  it("holds little of a response that nobody reads, and of a body that nobody takes", async () => {
    let written = 0;
    const { client } = await canned((socket) => {
      socket.pause();
      socket.write(ok);
      const more = (): void => {
        while (written < 200_000_000 && socket.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
        written += 64 * 1024;
      };
      socket.on("drain", more);
      more();
    });
    let pulled = 0;
    function* endless(): Generator<Uint8Array> {
      for (;;) {
        pulled++;
        yield Buffer.alloc(64 * 1024);
      }
    }
    const { body } = await client.request(post(endless(), 999_999_999_999));
    let before = [-1, -1];
    while (before[0] !== pulled || before[1] !== written) {
      before = [pulled, written];
      await turns(200);
    }
    expect(pulled).toBeLessThan(400);
    expect(written).toBeLessThan(30 * 1024 * 1024);
    body.close();
  });

  it("rejects with what the body throws, or for a body that has not its length", async () => {
    const { client } = await canned(() => {});
    async function* throws(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("ab");
      throw new Error("on purpose");
    }
    await expect(client.request(post(throws(), 5))).rejects.toThrow("on purpose");
    await expect(client.request(post([Buffer.from("ab")], 5))).rejects.toThrow(RangeError);
    await expect(client.request(post([Buffer.from("ab")], 1))).rejects.toThrow(RangeError);
  });

  it.each([
    ["a body without a length", { variables: { REQUEST_METHOD: "POST" }, body: [] }],
    ["a length without a body", { variables: { REQUEST_METHOD: "POST", CONTENT_LENGTH: "3" } }],
    ["a NUL", { variables: { REQUEST_METHOD: "GET", A: "\0" } }],
    ["what is beyond latin-1", { variables: { REQUEST_METHOD: "GET", A: "€" } }],
    ["a variable without a name", { variables: ["", "x"] }],
  ])("refuses %s", async (_name, request) => {
    const { client } = await canned(() => {});
    await expect(client.request(request)).rejects.toThrow(TypeError);
  });

  it("fails where nobody listens, and when it was closed", async () => {
    const client = makeClient({ connect: { path: "/nonexistent/socket" } });
    await expect(client.request(get())).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    client.close();
    await expect(client.request(get())).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("gives up on a server that does nothing for idleSeconds, not on one that waits for the body", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client, received } = await canned(() => {}, { idleSeconds: 5 });
    const silent = client.request(get());
    let failed = false;
    silent.catch(() => (failed = true));
    await eventually(() => received() !== "");
    vi.advanceTimersByTime(5000);
    await turns();
    expect(failed).toBe(false);
    vi.advanceTimersByTime(1000);
    await expect(silent).rejects.toMatchObject({ code: "TIME_LIMIT" });
    const before = received().length;
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("a");
      await new Promise(() => {});
    }
    const controller = new AbortController();
    const slowly = client.request(post(slow(), 5, { signal: controller.signal }));
    failed = false;
    slowly.catch(() => (failed = true));
    await eventually(() => received().length > before && received().endsWith("a"));
    vi.advanceTimersByTime(60_000);
    await turns();
    expect(failed).toBe(false);
    controller.abort();
    await expect(slowly).rejects.toBeInstanceOf(Error);
  });

  it("gives up on a connection that is not made in connectSeconds", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { client } = await canned(() => {}, { connectSeconds: 3 });
    const response = client.request(get());
    response.catch(() => {});
    // Before the loop has turned, and so before the connection can be there.
    await Promise.resolve();
    vi.advanceTimersByTime(4000);
    await expect(response).rejects.toMatchObject({ code: "CONNECT_TIME_LIMIT" });
  });
});
