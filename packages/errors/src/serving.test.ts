import type { Application } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { describe, expect, it } from "vitest";
import { errors } from "./index.ts";

describe("errors behind a real server", () => {
  it("answers before the head, breaks off after it, and the server lives on", async () => {
    const app: Application = (environ, startResponse) => {
      if (environ.PATH_INFO === "/before") throw new Error("before");
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return (async function* () {
        if (environ.PATH_INFO === "/first") throw new Error("first");
        yield Buffer.from("begun");
        throw new Error("after");
      })();
    };
    const log: string[] = [];
    const stream = { write: (text: string) => void log.push(text), writelines() {}, flush() {} };
    const server = makeServer("127.0.0.1", 0, errors({ prefer: "json" })(app), { errors: stream });
    const address = await server.listen();
    void server.serveForever();
    const origin = `http://127.0.0.1:${address.kind === "tcp" ? address.port : 0}`;
    for (const path of ["/before", "/first"]) {
      const response = await fetch(origin + path);
      const { id, title } = (await response.json()) as { id: string; title: string };
      expect([response.status, title]).toEqual([500, "Internal Server Error"]);
      expect(log.join("")).toContain(`${id} GET ${path}: Error: ${path.slice(1)}`);
    }
    const broken = await fetch(`${origin}/after`);
    expect(broken.status).toBe(200);
    await expect(broken.text()).rejects.toThrow("terminated");
    expect(log.join("").match(/Error: after/g)?.length).toBe(1);
    await server.shutdown();
  });
});
