import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { resetConnection } from "./reset.ts";

/** What a peer sees of a connection that was reset behind some bytes. */
async function seen(listenOn: { port: number; host: string } | { path: string }): Promise<{ text: string; failed: boolean }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write("begun", () => resetConnection(socket)));
  });
  server.listen(listenOn);
  await once(server, "listening");
  const address = server.address();
  const to = typeof address === "string" ? { path: address } : { port: (address as AddressInfo).port, host: "127.0.0.1" };
  const socket = connect({ ...to, allowHalfOpen: true });
  socket.write("?");
  let text = "";
  let failed = false;
  socket.on("data", (chunk) => (text += chunk.toString()));
  socket.on("error", () => (failed = true));
  // What the runtime takes for an orderly end is found out by a write of nothing.
  socket.on("end", () =>
    socket.write("", (error) => {
      failed ||= error instanceof Error;
      socket.destroy();
    }),
  );
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
  server.close();
  return { text, failed };
}

describe("resetConnection", () => {
  it("resets a connection of TCP, behind what was sent", async () => {
    for (let i = 0; i < 50; i++) expect(await seen({ port: 0, host: "127.0.0.1" })).toEqual({ text: "begun", failed: true });
  });

  it("closes a Unix socket, which has no reset", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-reset-"));
    try {
      expect(await seen({ path: join(folder, "s") })).toMatchObject({ text: "begun" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
