import { connect, type Socket } from "node:net";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { importExample } from "@gateway/testing/readme";
import { validator } from "@gateway/validate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { httpApp } from "./http-app.ts";
import type { HttpAppOptions } from "./options.ts";
import { canned, type Canned } from "./test-back-end.ts";
import { eventually, turns } from "./test-campaign.ts";
import { front } from "./test-servers.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function backEnd(
  answer: string | ((socket: Socket, count: number) => void),
  options: Partial<HttpAppOptions> = {},
): Promise<Canned> {
  const back = await canned(typeof answer === "string" ? (socket) => void socket.write(answer, "latin1") : answer, options);
  stops.push(() => back.stop());
  return back;
}

/** Our server in front of an application. */
async function served(app: Application): Promise<string> {
  const server = await front(app, () => {});
  stops.push(() => server.stop());
  return `http://127.0.0.1:${server.port}`;
}

const fakeClock = (): void => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
const ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody";
const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

describe("httpApp", () => {
  it("passes the request and its answer", async () => {
    const { url, received } = await backEnd(ok);
    const response = await fetch(`${url}/a%2Fb?c=%20d`, { method: "PUT", body: "hello", headers: { "X-One": "1" } });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("body");
    expect(received()).toContain("PUT /a%2Fb?c=%20d HTTP/1.1\r\n");
    expect(received()).toContain(`Host: ${url.slice(7)}\r\n`);
    expect(received()).toContain("X-One: 1\r\n");
    expect(received()).toContain("Content-Length: 5\r\n");
    await eventually(() => received().endsWith("\r\n\r\nhello"));
  });

  it("passes the example of the README", async () => {
    const app = (await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/proxy": new URL("./index.ts", import.meta.url),
    })) as Application;
    // Nobody listens at the address of the example.
    expect([502, 504]).toContain((await client(validator(app)).get("/", { errors: "expected" })).status);
  });

  it("uses a connection again, and another for each request at the same time", async () => {
    const { url, sockets } = await backEnd(ok);
    for (let i = 0; i < 3; i++) await (await fetch(url)).text();
    expect(sockets).toHaveLength(1);
    await Promise.all([1, 2, 3].map(async () => (await fetch(url)).text()));
    expect(sockets.length).toBeGreaterThan(1);
  });

  it.each([
    ["the server says close", ok.replace("\r\n\r\n", "\r\nConnection: foo, Close\r\n\r\n"), {}],
    ["it is HTTP/1.0", ok.replace("1.1", "1.0"), {}],
    ["there is more than was said", `${ok}HTTP/1.1 200 OK\r\nX-Smuggled: 1\r\nContent-Length: 0\r\n\r\n`, {}],
    ["keepAlive is false", ok, { keepAlive: false }],
  ])("uses no connection again where %s", async (_name, answer, options) => {
    const { url, sockets } = await backEnd(answer, options);
    for (let i = 1; i <= 3; i++) {
      const response = await fetch(url);
      expect(response.headers.get("x-smuggled")).toBeNull();
      expect(await response.text()).toBe("body");
      expect(sockets).toHaveLength(i);
    }
  });

  it("closes a connection on which something comes that nobody asked for", async () => {
    const { url, sockets } = await backEnd(ok);
    await (await fetch(url)).text();
    sockets[0]?.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    await eventually(() => sockets[0]?.destroyed === true || sockets[0]?.readableEnded === true || sockets[0]?.closed === true);
    expect(await (await fetch(url)).text()).toBe("body");
    expect(sockets).toHaveLength(2);
  });

  it("asks once more where a kept connection is dead, if that does no harm", async () => {
    const { url, sockets } = await backEnd((socket, count) => {
      if (count !== 1) socket.write(ok);
      else socket.destroy();
    });
    await (await fetch(url)).text();
    // On the kept connection it is lost; on a new one it is answered.
    expect(await (await fetch(url)).text()).toBe("body");
    expect(sockets).toHaveLength(2);
    // What must not be sent twice gets a connection of its own, for this server does not keep them.
    const posted = await fetch(url, { method: "POST", body: "x" });
    expect(posted.status).toBe(200);
    expect(sockets).toHaveLength(3);
  });

  it("does not send again what must not be sent twice", async () => {
    fakeClock();
    const { url, sockets } = await backEnd((socket, count) => {
      if (count === 0) socket.write(ok);
      else socket.destroy();
    });
    await (await fetch(url)).text();
    // It was kept for so long that the server seems to keep it.
    vi.advanceTimersByTime(2000);
    expect((await fetch(url, { method: "POST", body: "x" })).status).toBe(502);
    expect(sockets).toHaveLength(1);
  });

  it("does not ask more than once more, nor where the connection was new", async () => {
    const { url, sockets } = await backEnd((socket, count) => {
      if (count === 0) socket.write(ok);
      else socket.destroy();
    });
    await (await fetch(url)).text();
    expect((await fetch(url)).status).toBe(502);
    expect(sockets).toHaveLength(2);
    expect((await fetch(url)).status).toBe(502);
    expect(sockets).toHaveLength(3);
  });

  it.each([
    ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["another version", "HTTP/2.0 200 OK\r\n\r\n"],
    ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n"],
    ["a status beyond 599", "HTTP/1.1 600 No\r\n\r\n"],
    ["a bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n"],
    ["one bare LF", `${head}X-A: 1\nX-B: 2\r\nContent-Length: 0\r\n\r\n`],
    ["a bare CR in a value", `${head}X-A: 1\rSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n`],
    ["a bare CR in the reason", "HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n"],
    ["a NUL", `${head}X-A: 1\0\r\nContent-Length: 0\r\n\r\n`],
    ["a folded line", `${head}X-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n`],
    ["white space before the colon", `${head}X-A : 1\r\nContent-Length: 0\r\n\r\n`],
    ["a name that is no token", `${head}X(A): 1\r\nContent-Length: 0\r\n\r\n`],
    ["a line without a colon", `${head}X-A\r\nContent-Length: 0\r\n\r\n`],
    ["an empty name", `${head}: 1\r\nContent-Length: 0\r\n\r\n`],
    ["a length and a coding", `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["two lengths", `${head}Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody`],
    ["the same length twice", `${head}Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody`],
    ["a list of lengths", `${head}Content-Length: 4, 4\r\n\r\nbody`],
    ["a length with a sign", `${head}Content-Length: +4\r\n\r\nbody`],
    ["an empty length", `${head}Content-Length:\r\n\r\nbody`],
    ["a length beyond counting", `${head}Content-Length: 18446744073709551616\r\n\r\nbody`],
    ["another coding", `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["a coding twice", `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["a coding in HTTP/1.0", `${head.replace("1.1", "1.0")}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\n\r\n"],
    ["informational responses without an end", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100)],
    ["a head that is too long", `${head}X-A: ${"a".repeat(70_000)}\r\n\r\n`],
    ["a head without an end", `${head}X-A: ${"a".repeat(70_000)}`],
    ["too many headers", `${head}${"X-A: 1\r\n".repeat(300)}\r\n`],
  ])("answers 502 to %s", async (_name, answer) => {
    const { url, errors } = await backEnd(answer);
    const response = await fetch(url);
    expect(response.status).toBe(502);
    expect(response.headers.get("set-cookie")).toBeNull();
    expect(await response.text()).toBe("The server behind this one gave an answer that is none.\n");
    expect(errors.join("")).toContain("ClientError");
  });

  it.each([
    ["nothing", ""],
    ["half a head", "HTTP/1.1 200 OK\r\nContent-Le"],
    ["an informational response", "HTTP/1.1 100 Continue\r\n\r\n"],
  ])("answers 502 where the connection ends after %s", async (_name, answer) => {
    const { url } = await backEnd((socket) => socket.end(answer));
    expect((await fetch(url, { method: "POST" })).status).toBe(502);
    const reset = await backEnd((socket) => socket.write(answer, () => socket.resetAndDestroy()));
    expect((await fetch(reset.url, { method: "POST" })).status).toBe(502);
  });

  it("answers 502 where nobody listens", async () => {
    const { url, origin } = await backEnd(ok);
    expect((await fetch(url)).status).toBe(200);
    const app = httpApp({ origin: "unix:/nonexistent/socket" });
    expect((await client(validator(app)).get("/", { errors: "expected" })).status).toBe(502);
    expect(origin).toContain("127.0.0.1");
  });

  it.each([
    ["a length", `${head}Content-Length: 100\r\n\r\nbody`],
    ["a chunk", `${head}Transfer-Encoding: chunked\r\n\r\n64\r\nbody`],
    ["no last chunk", `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n`],
    ["no end of the trailers", `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-A: 1\r\n`],
  ])("breaks off visibly where the back end does: %s", async (_name, answer) => {
    const { url } = await backEnd((socket) => socket.end(answer));
    const response = await fetch(url);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("terminated");
  });

  it("breaks off visibly where a response that ends with the connection is reset", async () => {
    const { url } = await backEnd((socket) => socket.write(`${head}\r\nbody`, () => socket.resetAndDestroy()));
    const response = await fetch(url);
    if (response.status === 200) await expect(response.text()).rejects.toThrow("terminated");
    else expect(response.status).toBe(502);
  });

  it.each([
    ["a size that is none", "xyz\r\nbody\r\n0\r\n\r\n"],
    ["a size with a sign", "+4\r\nbody\r\n0\r\n\r\n"],
    ["a size with 0x", "0x4\r\nbody\r\n0\r\n\r\n"],
    ["a size beyond counting", "FFFFFFFFFFFFFFFF\r\nbody"],
    ["an empty size", "\r\nbody\r\n0\r\n\r\n"],
    ["a bare LF behind the size", "4\nbody\r\n0\r\n\r\n"],
    ["a bare CR in an extension", "4;a=\rb\r\nbody\r\n0\r\n\r\n"],
    ["more data than its size", "4\r\nbody!\r\n0\r\n\r\n"],
    ["data that ends with a bare LF", "4\r\nbody\n0\r\n\r\n"],
    ["a trailer that is none", "4\r\nbody\r\n0\r\nno trailer\r\n\r\n"],
    ["trailers without an end", `4\r\nbody\r\n0\r\n${"X-A: 1\r\n".repeat(20_000)}`],
    ["a line without an end", `4;${"a".repeat(10_000)}`],
    ["extensions without an end", "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nb\r\n".repeat(5000)],
  ])("breaks off visibly at a chunk with %s", async (_name, chunks) => {
    const { url } = await backEnd(`${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
    const response = await fetch(url);
    // Where no byte of the body was good, there is still time to say so.
    if (response.status !== 502) await expect(response.text()).rejects.toThrow("terminated");
    else expect(await response.text()).toBe("The server behind this one gave an answer that is none.\n");
  });

  it("takes chunks with extensions and trailers, and drops those", async () => {
    const { url, sockets } = await backEnd(
      `${head}Transfer-Encoding: Chunked\r\n\r\n4;a="b c"\r\nbody\r\n00\r\nX-Trailer: 1\r\n\r\n`,
    );
    for (let i = 0; i < 2; i++) {
      const response = await fetch(url);
      expect(await response.text()).toBe("body");
      expect(response.headers.get("x-trailer")).toBeNull();
    }
    expect(sockets).toHaveLength(1);
  });

  it("gives the same whatever pieces a response comes in", async () => {
    const whole = `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${head}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\nA;x\r\n0123456789\r\n0\r\nA: b\r\n\r\n`;
    const { url } = await backEnd((socket, count) => {
      const size = (count % 7) + 1;
      const next = (at: number): void => {
        if (at < whole.length) socket.write(whole.slice(at, at + size), () => setImmediate(next, at + size));
      };
      next(0);
    });
    for (let i = 0; i < 7; i++) expect(await (await fetch(url)).text()).toBe("body0123456789");
  });

  it("takes a response without a body for what it is", async () => {
    const answers: Record<string, string> = {
      "/204": "HTTP/1.1 204 No Content\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
      "/304": "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Type: text/plain\r\nContent-Length: 400\r\n\r\n",
      "/head": `${head}Content-Length: 4\r\n\r\n`,
      "/chunks": `${head}Transfer-Encoding: chunked\r\n\r\n`,
    };
    const asked: string[] = [];
    const { url, sockets, received } = await backEnd((socket) => {
      const path = /^[A-Z]+ (\/\S*) HTTP\/1\.1\r\n(?!.*HTTP\/1\.1\r\n)/ms.exec(received())?.[1] ?? "";
      asked.push(path);
      socket.write(answers[path] ?? ok);
    });
    for (const [path, method] of Object.entries({ "/204": "GET", "/304": "GET", "/head": "HEAD", "/chunks": "HEAD", "/": "GET" })) {
      const response = await fetch(url + path, { method });
      expect(await response.text(), path).toBe(path === "/" ? "body" : "");
      if (path === "/204" || path === "/304") expect(response.headers.get("content-type")).toBeNull();
    }
    expect(asked).toHaveLength(5);
    expect(sockets).toHaveLength(1);
  });

  it("hands hints on, and nothing else that is informational", async () => {
    const { url } = await backEnd(
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n${ok}`,
    );
    const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    await eventually(() => text.endsWith("body"));
    expect(text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toContain("X-Hop");
    socket.destroy();
  });

  it("strips what belongs to the connection, both ways", async () => {
    const { url, received } = await backEnd(
      ok.replace(
        "\r\n\r\n",
        "\r\nConnection: X-Named, keep-alive\r\nX-Named: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nTrailer: X\r\nUpgrade: h2c\r\nStatus: 500\r\nX-Kept: 1\r\n\r\n",
      ),
    );
    const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => (text += chunk.toString("latin1")));
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: close, X-Mine, Host\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: X\r\nUpgrade: websocket\r\nProxy-Authorization: Basic x\r\nProxy-Connection: close\r\nX-Other: 2\r\n\r\n",
    );
    await eventually(() => text.endsWith("body"));
    socket.destroy();
    expect(text).not.toMatch(/^(?:X-Named|Keep-Alive|Proxy-Authenticate|Trailer|Upgrade|Status):/im);
    expect(text).toContain("X-Kept: 1");
    expect(received()).not.toMatch(/^(?:Connection|X-Mine|Keep-Alive|TE|Trailer|Upgrade|Proxy-Authorization|Proxy-Connection):/im);
    expect(received()).toContain("X-Other: 2\r\n");
    expect(received()).toContain("Host: x\r\n");
  });

  it("waits with a body until the back end asks for it, where the client waits too", async () => {
    const { url, received } = await backEnd((socket, count) => {
      if (count === 0) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      else socket.end("HTTP/1.1 413 Too Large\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    });
    const ask = async (): Promise<{ text: () => string; socket: Socket }> => {
      const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
      let text = "";
      socket.on("data", (chunk) => (text += chunk.toString("latin1")));
      socket.write("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
      return { text: () => text, socket };
    };
    const first = await ask();
    await eventually(() => first.text().includes("100 Continue"));
    expect(received()).toContain("Expect: 100-continue\r\n");
    first.socket.write("data");
    await eventually(() => received().endsWith("\r\n\r\ndata"));
    first.socket.destroy();
    const second = await ask();
    await eventually(() => second.text().endsWith("no"));
    // It is told without having sent the body.
    expect(second.text()).toMatch(/^HTTP\/1\.1 413 /);
    second.socket.destroy();
  });

  it("sends a body that nobody asks for after continueSeconds", async () => {
    fakeClock();
    const { url, received } = await backEnd(() => {}, { continueSeconds: 2 });
    const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
    socket.write("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\ndata");
    await eventually(() => received().endsWith("\r\n\r\n"));
    await turns();
    expect(received()).not.toContain("\r\n\r\ndata");
    vi.advanceTimersByTime(3000);
    await eventually(() => received().endsWith("\r\n\r\ndata"));
    socket.destroy();
  });

  it("sends a body whose length is not known in chunks", async () => {
    const { url, received } = await backEnd((socket) => void setImmediate(() => socket.write(ok)));
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from("first"));
        controller.enqueue(Buffer.alloc(5000, "x"));
        controller.close();
      },
    });
    await (await fetch(url, { method: "POST", body, duplex: "half" })).text().catch(() => "");
    expect(received()).toContain("Transfer-Encoding: chunked\r\n");
    expect(received()).toContain("\r\n\r\n5\r\nfirst\r\n");
  });

  it("makes the back end wait for a client that does not read, and the client for a back end that does not", async () => {
    let written = 0;
    const { url } = await backEnd((socket) => {
      socket.pause();
      socket.write(`${head}\r\n`);
      const more = (): void => {
        while (written < 200_000_000 && socket.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
        written += 64 * 1024;
      };
      socket.on("drain", more);
      more();
    });
    // It reads nothing, and writes as long as there is room.
    const socket = connect(Number(url.split(":")[2]), "127.0.0.1").pause();
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n");
    let pulled = 0;
    const send = (): void => {
      while (pulled < 3000 && socket.write(Buffer.alloc(64 * 1024))) pulled++;
      pulled++;
    };
    socket.on("drain", send);
    send();
    const state = (): string => `${pulled},${written}`;
    await eventually(() => written > 0);
    let before = "";
    while (before !== state()) {
      before = state();
      await turns(300);
    }
    expect(pulled).toBeLessThan(600);
    expect(written).toBeLessThan(40 * 1024 * 1024);
    socket.destroy();
  });

  it("leaves the back end when the client leaves, before the head and after", async () => {
    const { url, sockets } = await backEnd((socket, count) => {
      if (count === 1) socket.write(`${head}\r\nbegun`);
    });
    // A client that only ends its side may still wait for the answer.
    const ask = (): Socket => {
      const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
      socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      return socket;
    };
    const first = ask();
    await eventually(() => (sockets[0]?.bytesRead ?? 0) > 0);
    first.resetAndDestroy();
    await eventually(() => sockets[0]?.closed === true);
    const second = ask();
    await new Promise((resolve) => second.once("data", resolve));
    second.resetAndDestroy();
    await eventually(() => sockets[1]?.closed === true);
  });

  it("answers 504 to a back end that does nothing, and to one that drips its head", async () => {
    fakeClock();
    const silent = await backEnd(() => {}, { idleSeconds: 5 });
    const asked = fetch(silent.url);
    await eventually(() => silent.received() !== "");
    vi.advanceTimersByTime(6000);
    expect((await asked).status).toBe(504);
    const drip = await backEnd((socket) => void socket.write("H"), { idleSeconds: 5, answerSeconds: 8 });
    const dripped = fetch(drip.url);
    await eventually(() => drip.received() !== "");
    for (const letter of "TTP/1.1 20") {
      await turns();
      vi.advanceTimersByTime(1000);
      drip.sockets[0]?.write(letter);
      await turns();
    }
    expect((await dripped).status).toBe(504);
    await eventually(() => drip.sockets[0]?.closed === true);
  });

  it("breaks off a response that stops coming, and not one that waits for its reader", async () => {
    fakeClock();
    const { url, sockets } = await backEnd(`${head}Content-Length: 8\r\n\r\nbody`, { idleSeconds: 5 });
    const response = await fetch(url);
    await turns(10);
    vi.advanceTimersByTime(6000);
    await expect(response.text()).rejects.toThrow("terminated");
    await eventually(() => sockets[0]?.closed === true);
  });

  it("answers 504 where no connection is made in time", async () => {
    fakeClock();
    const { origin } = await backEnd(ok);
    const response = client(validator(httpApp({ origin, connectSeconds: 3 }))).get("/", { errors: "expected" });
    // Before the loop has turned, and so before the connection can be there.
    for (let i = 0; i < 20; i++) await Promise.resolve();
    vi.advanceTimersByTime(4000);
    expect((await response).status).toBe(504);
  });

  it("opens no more than maxConnections, and answers 503 to what finds the queue full or waits too long", async () => {
    fakeClock();
    const { url, sockets } = await backEnd(() => {}, { maxConnections: 1, maxQueued: 1, queueSeconds: 5, idleSeconds: 60 });
    const first = fetch(url).catch(() => undefined);
    await eventually(() => (sockets[0]?.bytesRead ?? 0) > 0);
    const others = [fetch(url), fetch(url)];
    const full = await Promise.race(others);
    expect(full.status).toBe(503);
    vi.advanceTimersByTime(6000);
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([503, 503]);
    expect(sockets).toHaveLength(1);
    sockets[0]?.write(ok);
    expect((await first)?.status).toBe(200);
  });

  it("gives a connection that has become free to who waits", async () => {
    const { url, sockets } = await backEnd(ok, { maxConnections: 2 });
    const all = await Promise.all(Array.from({ length: 20 }, async () => (await fetch(url)).text()));
    expect(new Set(all)).toEqual(new Set(["body"]));
    expect(sockets.length).toBeLessThanOrEqual(2);
  });

  it("closes connections that nobody uses, after keepAliveSeconds or what the server says", async () => {
    fakeClock();
    const { url, sockets } = await backEnd(ok.replace("\r\n\r\n", "\r\nKeep-Alive: timeout=2, max=100\r\n\r\n"), {
      keepAliveSeconds: 30,
    });
    await (await fetch(url)).text();
    vi.advanceTimersByTime(2000);
    await turns();
    expect(sockets[0]?.closed).toBe(false);
    vi.advanceTimersByTime(1000);
    await eventually(() => sockets[0]?.readableEnded === true || sockets[0]?.closed === true);
  });

  it("asks several origins in turn, and passes over one that cannot be reached", async () => {
    const [one, two] = [await backEnd(ok.replace("body", "1111")), await backEnd(ok.replace("body", "2222"))];
    const url = await served(httpApp({ origin: [one.origin, "unix:/nonexistent/socket", two.origin] }));
    const answers: string[] = [];
    for (let i = 0; i < 6; i++) answers.push(await (await fetch(url, { method: "POST", body: "x" })).text());
    expect(answers.filter((answer) => answer === "1111")).toHaveLength(2);
    expect(answers.filter((answer) => answer === "2222")).toHaveLength(4);
  });

  it("is refused once it is closed", async () => {
    const app = httpApp({ origin: "http://127.0.0.1:9" });
    app.close();
    expect((await client(validator(app)).get("/", { errors: "expected" })).status).toBe(503);
  });

  it.each([
    [{}, TypeError],
    [{ origin: [] }, TypeError],
    [{ origin: "127.0.0.1:80" }, TypeError],
    [{ origin: "http://a", other: 1 }, TypeError],
    [{ origin: "http://a", idleSeconds: -1 }, RangeError],
    [{ origin: "http://a", maxConnections: 0 }, RangeError],
    [{ origin: "http://a", preserveHost: 1 }, TypeError],
    [{ origin: "http://a", scriptName: "drop" }, TypeError],
    [{ origin: "http://a", incomingForwarded: "keep" }, TypeError],
    [{ origin: "http://a", forwardedHeaders: ["X-Who"] }, TypeError],
    [{ origin: "http://a", forwardedHeaders: "Forwarded" }, TypeError],
    [{ origin: "http://a", via: "a b" }, TypeError],
    [{ origin: "http://a", headers: 1 }, TypeError],
    [{ origin: "http://a", tls: 1 }, TypeError],
  ])("refuses %j", (options, error) => {
    expect(() => httpApp(options as unknown as HttpAppOptions)).toThrow(error);
  });
});
