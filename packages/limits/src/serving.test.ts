import { once } from "node:events";
import { connect } from "node:net";
import type { Application, ResponseBody } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { afterEach, describe, expect, it } from "vitest";
import { limits, type LimitsOptions } from "./index.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(options: LimitsOptions, app: Application): Promise<number> {
  const server = makeServer("127.0.0.1", 0, limits(options)(app), {
    errors: { write() {}, writelines() {}, flush() {} },
    shutdownSeconds: 1,
  });
  const address = await server.listen();
  void server.serveForever();
  stops.push(() => server.shutdown());
  return address.kind === "tcp" ? address.port : 0;
}

/** Sends that, and gives all that comes until the server closes. */
async function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(request);
  let answer = "";
  socket.setEncoding("latin1");
  socket.on("data", (text: string) => (answer += text));
  await once(socket, "close");
  return answer;
}

const count: Application = async (environ, startResponse) => {
  let bytes = 0;
  for await (const chunk of environ["wsgi.input"]) bytes += chunk.length;
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(`${bytes}`)];
};

describe("limits behind a real server", () => {
  it("answers 413 to who asks first, before anything is sent", async () => {
    const port = await serve({ bodyBytes: 10 }, count);
    const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    const answer = await exchange(port, head);
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).not.toContain("100 Continue");
  });

  it("answers 413 to a chunked body in the middle of it", async () => {
    const port = await serve({ bodyBytes: 10 }, count);
    const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    expect(await exchange(port, `${head}8\r\n12345678\r\n8\r\n12345678\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await exchange(port, `${head}8\r\n12345678\r\n2\r\n12\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 [^]*\r\n\r\n10$/);
  });

  it("answers 503 when the time is over", async () => {
    const port = await serve({ seconds: 0.05 }, () => new Promise<ResponseBody>(() => {}));
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect([response.status, response.headers.get("Retry-After")]).toEqual([503, "1"]);
  });

  it("lets the client see that a response was broken off", async () => {
    const port = await serve({ seconds: 0.05 }, async function* (_environ, startResponse) {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      yield Buffer.from("begun");
      await new Promise(() => {});
    });
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow("terminated");
  });

  it("lets as many in as it may, over many connections", async () => {
    const seen = { inside: 0, most: 0 };
    const port = await serve({ concurrency: 4, queue: 100 }, async (_environ, startResponse) => {
      seen.most = Math.max(seen.most, ++seen.inside);
      while (seen.most < 4) await new Promise((resolve) => setImmediate(resolve));
      seen.inside--;
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from("x")];
    });
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => fetch(`http://127.0.0.1:${port}/`).then((one) => one.text())),
    );
    expect(answers.every((text) => text === "x")).toBe(true);
    expect(seen).toEqual({ inside: 0, most: 4 });
  });
});
