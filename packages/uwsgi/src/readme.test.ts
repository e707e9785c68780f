import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { cgiServerDefaults } from "@gateway/sockets";
import { importServer, wrongOptions } from "@gateway/testing/readme";
import { describe, expect, it } from "vitest";
import { makeClient } from "./client.ts";
import type { GatewayServer } from "./index.ts";

const readme = new URL("../README.md", import.meta.url);

describe("the README", () => {
  it("has an example that serves", async () => {
    const sources = { "@gateway/uwsgi": new URL("./index.ts", import.meta.url) };
    await using server = (await importServer(readme, sources)) as GatewayServer;
    const address = await server.listen();
    void server.serveForever();
    const client = makeClient({ connect: address });
    const response = await client.request({ variables: { REQUEST_METHOD: "GET", PATH_INFO: "/world" } });
    expect([response.status, await text(response.body)]).toEqual(["200 OK", "Hello from /world\n"]);
    client.close();
  });

  it("tells every option, and the defaults that are numbers or switches", async () => {
    expect(wrongOptions(await readFile(readme, "utf8"), cgiServerDefaults)).toEqual([]);
  });
});
