import { once } from "node:events";
import { connect } from "node:net";
import { json } from "node:stream/consumers";
import type { Application } from "@gateway/core";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { makeClient, uwsgiPacket, type UwsgiClientOptions } from "./client.ts";
import type { UwsgiOptions } from "./index.ts";
import { makeServer } from "./uwsgi-server.ts";

// What is beyond packets and heads is tested with SCGI, whose server and client are the same but for these.

const hello: Application = validator((environ, startResponse) => {
  startResponse("302 Found", [
    ["Content-Type", "text/plain"],
    ["Location", "/elsewhere"],
  ]);
  return [Buffer.from(`${environ.SCRIPT_NAME}|${environ.PATH_INFO}`)];
});

async function port(server: ReturnType<typeof makeServer>): Promise<number> {
  const address = await server.listen();
  void server.serveForever();
  return "port" in address ? address.port : 0;
}

async function exchange(to: number, bytes: string): Promise<string> {
  const socket = connect({ port: to, host: "127.0.0.1", allowHalfOpen: true });
  let received = "";
  socket.on("data", (chunk) => (received += chunk.toString("latin1")));
  for (const byte of bytes) socket.write(byte, "latin1");
  await once(socket, "end");
  socket.destroy();
  return received;
}

describe("makeServer of uwsgi", () => {
  it("answers with a status line of HTTP, to bytes that come one by one", async () => {
    await using server = makeServer("127.0.0.1", 0, hello);
    const packet = uwsgiPacket(["REQUEST_METHOD", "GET", "PATH_INFO", "/a"], 0, 0).toString("latin1");
    expect(await exchange(await port(server), packet)).toBe(
      "HTTP/1.1 302 Found\r\nContent-Type: text/plain\r\nLocation: /elsewhere\r\nContent-Length: 3\r\n\r\n|/a",
    );
  });

  it("answers what it refuses in the same way, with one report", async () => {
    const refused: number[] = [];
    await using server = makeServer("127.0.0.1", 0, hello, { onRefused: ({ code }) => refused.push(code) });
    expect(await exchange(await port(server), "\x07\0\0\0")).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(refused).toEqual([400]);
  });

  it("takes SCRIPT_NAME off PATH_INFO for modifier1 30", async () => {
    await using server = makeServer("127.0.0.1", 0, hello);
    const variables = { REQUEST_METHOD: "GET", SCRIPT_NAME: "/app", PATH_INFO: "/app/a" };
    const to = { port: await port(server) };
    const answers: string[] = [];
    for (const modifier1 of [0, 30]) {
      const { body } = await makeClient({ connect: to, modifier1 }).request({ variables });
      for await (const chunk of body) answers.push(Buffer.from(chunk).toString());
    }
    expect(answers).toEqual(["/app|/app/a", "/app|/a"]);
  });
});

describe("the variables", () => {
  it("are text, whatever their names mean elsewhere", async () => {
    const magic = {
      UWSGI_FILE: "/tmp/evil.js",
      UWSGI_SCRIPT: "evil",
      SCRIPT_FILENAME: "/etc/passwd",
      PHP_VALUE: "auto_prepend_file=x",
    };
    const app: Application = (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "application/json"]]);
      return [Buffer.from(JSON.stringify(Object.fromEntries(Object.entries(environ).filter(([name]) => name in magic))))];
    };
    await using server = makeServer("127.0.0.1", 0, validator(app));
    const client = makeClient({ connect: { port: await port(server) } });
    const { body } = await client.request({ variables: { REQUEST_METHOD: "GET", PATH_INFO: "/", ...magic } });
    expect(await json(body)).toEqual(magic);
  });
});

describe("the options", () => {
  it.each([
    ['{"headerByte":1}', TypeError],
    ['{"headerSeconds":-1}', RangeError],
    ['{"mounts":["/a/"]}', TypeError],
  ])("%s is refused", (options, error) => {
    expect(() => makeServer("", 0, hello, JSON.parse(options) as UwsgiOptions)).toThrow(error);
  });
});

describe("makeClient of uwsgi", () => {
  it("gives status and headers of a status line", async () => {
    await using server = makeServer("127.0.0.1", 0, hello);
    const client = makeClient({ connect: { port: await port(server) } });
    const { status, headers, body } = await client.request({ variables: { REQUEST_METHOD: "GET", PATH_INFO: "/" } });
    expect([status, headers[1]]).toEqual(["302 Found", ["Location", "/elsewhere"]]);
    body.close();
  });

  it("rejects for variables that the protocol cannot carry", async () => {
    const client = makeClient({ connect: { port: 1 } });
    await expect(client.request({ variables: { A: "x".repeat(66_000) } })).rejects.toThrow(RangeError);
  });

  it.each(['{"connect":{"port":1},"modifier1":256}', '{"connect":{"port":1},"modifier2":-1}'])("refuses %s", (options) => {
    expect(() => makeClient(JSON.parse(options) as UwsgiClientOptions)).toThrow(RangeError);
  });
});
