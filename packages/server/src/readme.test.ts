import { readFile } from "node:fs/promises";
import { importServer, wrongOptions } from "@gateway/testing/readme";
import { describe, expect, it } from "vitest";
import type { GatewayServer } from "./index.ts";
import { settingsOf } from "./options.ts";

const readme = new URL("../README.md", import.meta.url);

describe("the README", () => {
  it("has an example that serves", async () => {
    const sources = { "@gateway/server": new URL("./index.ts", import.meta.url) };
    await using server = (await importServer(readme, sources)) as GatewayServer;
    const address = await server.listen();
    void server.serveForever();
    const port = address.kind === "tcp" ? address.port : 0;
    const response = await fetch(`http://127.0.0.1:${port}/world`, { headers: { Connection: "close" } });
    expect([response.status, await response.text()]).toEqual([200, "Hello from /world\n"]);
  });

  it("tells every option, and the defaults that are numbers or texts", async () => {
    const [, options = ""] = (await readFile(readme, "utf8")).split("## Options");
    expect(wrongOptions(options, settingsOf({}))).toEqual([]);
  });
});
