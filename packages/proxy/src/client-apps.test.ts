import type { Socket } from "node:net";
import { fastcgiApp } from "@gateway/fastcgi/client";
import { scgiApp } from "@gateway/scgi/client";
import type { BackEndApplication, CgiApplicationOptions } from "@gateway/sockets";
import { client } from "@gateway/testing";
import { eventually } from "@gateway/testing/campaign";
import { cannedServer, onceFor } from "@gateway/testing/canned-server";
import { uwsgiApp } from "@gateway/uwsgi/client";
import { validator } from "@gateway/validate";
import { afterEach, describe, expect, it, vi } from "vitest";
import { front } from "./test-servers.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** A back end that says what it is told to once something has come, and our server in front of a client application for it. */
async function canned(
  make: (options: CgiApplicationOptions) => BackEndApplication,
  answer: (socket: Socket) => void,
  options: Partial<CgiApplicationOptions> = {},
): Promise<{ url: string; sockets: Socket[]; received: () => string }> {
  const { connect, sockets, received, stop } = await cannedServer(onceFor(answer));
  const app = make({ socket: connect, ...options });
  const ours = await front(validator(app), () => {});
  stops.push(async () => {
    app.close();
    for (const socket of sockets) socket.destroy();
    await ours.stop();
    await stop();
  });
  return { url: `http://127.0.0.1:${ours.port}`, sockets, received };
}

const record = (type: number, text: string): string =>
  `${String.fromCharCode(1, type, 0, 1, text.length >> 8, text.length & 0xff, 0, 0)}${text}`;
/** A response of FastCGI, with the end of its request. */
const ended = (text: string): string => `${record(6, text)}${record(6, "")}${record(3, "\0\0\0\0\0\0\0\0")}`;

const protocols = [
  { name: "fastcgiApp", make: fastcgiApp, speak: ended, part: (text: string) => record(6, text) },
  { name: "scgiApp", make: scgiApp, speak: (text: string) => text, part: (text: string) => text },
  { name: "uwsgiApp", make: uwsgiApp, speak: (text: string) => text, part: (text: string) => text },
] as const;
const head = "Status: 200 OK\r\nContent-Type: text/plain\r\n";

describe.each(protocols)("$name", ({ make, speak, part }) => {
  const says =
    (text: string) =>
    (socket: Socket): void =>
      void socket.end(speak(text), "latin1");

  it("hands on the facts of the request, and nothing that the client forged or that is for the connection", async () => {
    const { url, received } = await canned(make, says(`${head}\r\nok`), { variables: { APP_ENV: "é" } });
    const headers = { "X-Forwarded-For": "6.6.6.6", Forwarded: "for=6.6.6.6", "X-Kept": "yes" };
    expect(await (await fetch(`${url}/a%2Fb/%ff?q=1`, { headers })).text()).toBe("ok");
    for (const text of ["REQUEST_URI", "/a%2Fb/%ff?q=1", "/a/b/\xff", "HTTP_X_KEPT", "127.0.0.1", "APP_ENV", "\xc3\xa9", "CGI/1.1"])
      expect(received()).toContain(text);
    for (const text of ["6.6.6.6", "HTTP_CONNECTION", "HTTP_FORWARDED", "PATH\0"]) expect(received()).not.toContain(text);
  });

  it("keeps what proxies say where it is told to", async () => {
    const { url, received } = await canned(make, says(`${head}\r\nok`), { forwarded: "keep" });
    await (await fetch(url, { headers: { "X-Forwarded-For": "1.2.3.4" } })).text();
    expect(received()).toContain("1.2.3.4");
  });

  it.each([
    ["no head", "nonsense"],
    ["a bare CR", `${head}X-A: 1\rSet-Cookie: a=b\r\n\r\nx`],
    ["a NUL", `${head}X-A: \0\r\n\r\nx`],
    ["a folded line", `${head}X-A: 1\r\n 2\r\n\r\nx`],
    ["a coding", `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["two lengths", `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`],
    ["a status that is not final", "Status: 101 Switching\r\n\r\n"],
    ["a head that is too long", `${head}X-A: ${"a".repeat(60_000)}\r\n\r\n`],
  ])("answers 502 to %s", async (_name, text) => {
    const { url } = await canned(make, says(text), { headBytes: 30_000 });
    const response = await fetch(url);
    expect(response.status).toBe(502);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  it("answers 502 where the connection ends before the head, or nobody listens", async () => {
    const { url } = await canned(make, (socket) => socket.end());
    expect((await fetch(url, { method: "POST" })).status).toBe(502);
    const nobody = client(validator(make({ socket: "/nonexistent/socket" })));
    expect((await nobody.get("/", { errors: "expected" })).status).toBe(502);
  });

  it("breaks off visibly where the back end does", async () => {
    const { url } = await canned(make, (socket) => socket.end(part(`${head}Content-Length: 10\r\n\r\nbody`), "latin1"));
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow("terminated");
  });

  it("answers 504 to one that does nothing, and lets it go", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
    const { url, sockets, received } = await canned(make, () => {}, { answerSeconds: 3 });
    const asked = fetch(url);
    await eventually(() => received() !== "");
    vi.advanceTimersByTime(5000);
    expect((await asked).status).toBe(504);
    await eventually(() => sockets[0]?.closed === true);
  });

  it("answers 503 to what finds the queue full", async () => {
    const { url, received } = await canned(make, () => {}, { maxConnections: 1, maxQueued: 0 });
    fetch(url).catch(() => {});
    await eventually(() => received() !== "");
    expect((await fetch(url)).status).toBe(503);
  });

  it("gathers a body whose length is not known, and answers 411 to one that is too long for that", async () => {
    const { url, received } = await canned(make, says(`${head}\r\nok`), { gatherBytes: 10 });
    const send = (text: string): Promise<Response> => {
      const body = new ReadableStream({
        start(controller) {
          for (const part of text.split(" ")) controller.enqueue(Buffer.from(part));
          controller.close();
        },
      });
      return fetch(url, { method: "POST", body, duplex: "half" });
    };
    expect(await (await send("12345 67890")).text()).toBe("ok");
    await eventually(() => received().includes("1234567890"));
    expect((await send("12345 678901")).status).toBe(411);
  });

  it("passes over one of several that cannot be reached, with the body", async () => {
    const { url, received } = await canned(make, says(`${head}\r\nok`));
    expect((await fetch(url)).status).toBe(200);
    const other = await cannedServer(onceFor(says(`${head}\r\nother`)), { allowHalfOpen: false });
    const app = make({ socket: ["/nonexistent/socket", other.connect] });
    for (let i = 0; i < 3; i++) expect((await client(validator(app)).post("/", { body: "hello" })).text()).toBe("other");
    expect(received()).not.toBe("");
    app.close();
    await other.stop();
  });

  it.each([
    [{}, TypeError],
    [{ socket: "nowhere" }, TypeError],
    [{ socket: "a:0" }, TypeError],
    [{ socket: [] }, TypeError],
    [{ socket: "/a", other: 1 }, TypeError],
    [{ socket: "/a", forwarded: "append" }, TypeError],
    [{ socket: "/a", variables: 1 }, TypeError],
    [{ socket: "/a", gatherBytes: -1 }, RangeError],
    [{ socket: "/a", downSeconds: "1" }, RangeError],
    [{ socket: "/a", maxConnections: 0 }, RangeError],
    [{ socket: "/a", queueSeconds: -1 }, RangeError],
  ])("refuses %j", (options, error) => {
    expect(() => make(options as unknown as CgiApplicationOptions)).toThrow(error);
  });
});

describe("uwsgiApp", () => {
  it("answers 431 to a request with more variables than the protocol can carry", async () => {
    const variables = { BIG: "x".repeat(66_000) };
    expect((await client(uwsgiApp({ socket: "/nonexistent/socket", variables })).get("/", { errors: "ignore" })).status).toBe(431);
  });
});
