import { text } from "node:stream/consumers";
import { eventually, turns } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { makeClient, type FastcgiClientOptions } from "./client.ts";
import { ask, canned, end, get, hello, ok, served } from "./test-client.ts";
import { rec } from "./test-records.ts";

describe("makeClient of FastCGI", () => {
  it("gives status, headers and body", async () => {
    const { client } = await served(hello);
    const response = await client.request(get("/a"));
    expect(response.status).toBe("200 OK");
    expect(response.headers).toEqual([
      ["Content-Type", "text/plain"],
      ["Content-Length", "8"],
    ]);
    expect(await text(response.body)).toBe("hello /a");
  });

  it("takes a response without STDERR for what it is, and hands STDERR on", async () => {
    const errors: string[] = [];
    const { client } = await canned(
      (socket) =>
        socket.write(
          rec(7, 1, "warning\n") + rec(6, 1, ok.slice(0, 9)) + rec(99, 0) + rec(6, 1, ok.slice(9), 7) + rec(7, 1) + end(1),
          "latin1",
        ),
      { onErrors: (text) => errors.push(text) },
    );
    expect(await ask(client)).toBe("body");
    expect(errors).toEqual(["warning\n"]);
  });

  it.each([
    ["a variable beyond latin-1", { variables: { REQUEST_METHOD: "GET", A: "€" } }],
    ["a name without a value", { variables: ["REQUEST_METHOD", "GET", "A"] }],
    ["a length without a body", { variables: { REQUEST_METHOD: "POST", CONTENT_LENGTH: "3" } }],
    ["a length that is none", { variables: { REQUEST_METHOD: "POST", CONTENT_LENGTH: "x" }, body: [] }],
  ])("refuses %s", async (_name, request) => {
    const { client } = await served(hello);
    await expect(client.request(request)).rejects.toThrow(TypeError);
  });

  it.each([
    ['{"connect":{}}', TypeError],
    ['{"connect":{"port":0}}', TypeError],
    ['{"connect":{"port":80,"path":"/a"}}', TypeError],
    ['{"connect":{"path":""}}', TypeError],
    ['{"connect":{"port":80},"idleSecond":1}', TypeError],
    ['{"connect":{"port":80},"idleSeconds":-1}', RangeError],
    ['{"connect":{"port":80},"multiplex":0}', RangeError],
    ['{"connect":{"port":80},"multiplex":65536}', RangeError],
    ['{"connect":{"port":80},"maxConnections":0}', RangeError],
    ['{"connect":{"port":80},"keepAlive":1}', TypeError],
    ['{"connect":{"port":80},"onErrors":1}', TypeError],
  ])("refuses %s", (options, error) => {
    expect(() => makeClient(JSON.parse(options) as FastcgiClientOptions)).toThrow(error);
  });

  it("fails where nobody listens, and where the client was closed", async () => {
    const nobody = makeClient({ connect: { path: "/nonexistent/socket" } });
    await expect(nobody.request(get())).rejects.toMatchObject({ code: "CONNECT_FAILED" });
    nobody.close();
    await expect(nobody.request(get())).rejects.toMatchObject({ code: "CLOSED" });
    const { client } = await canned(() => {}, { maxConnections: 1 });
    const first = client.request(get());
    const queued = client.request(get());
    await turns();
    client.close();
    await expect(queued).rejects.toMatchObject({ code: "CLOSED" });
    first.catch(() => {});
  });

  it("finishes what is under way when it is closed", async () => {
    let goOn = (): void => {};
    const { client } = await served(async (environ, startResponse) => {
      await new Promise<void>((resolve) => (goOn = resolve));
      return hello(environ, startResponse);
    });
    const response = ask(client);
    await turns(10);
    client.close();
    await eventually(() => {
      goOn();
      return true;
    });
    goOn();
    expect(await response).toBe("hello /");
  });
});
