import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { cannedServer, onceFor } from "./canned-server.ts";

describe("cannedServer", () => {
  it("answers with what it is told to, and knows what came", async () => {
    const server = await cannedServer((socket, seen) => {
      if (seen.endsWith("?")) socket.end(`to ${seen}`);
    });
    const socket = connect(server.port, "127.0.0.1");
    socket.write("who");
    await once(socket, "connect");
    socket.write("?");
    expect(await text(socket)).toBe("to who?");
    expect(server.received()).toBe("who?");
    expect(server.sockets).toHaveLength(1);
    await server.stop();
  });

  it("listens on a Unix socket, cuts what is open, and answers each connection once where it is told to", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-canned-"));
    let count = 0;
    const server = await cannedServer(
      onceFor((socket) => void socket.write(`${++count}`)),
      { path: join(folder, "socket") },
    );
    for (const expected of ["1", "2"]) {
      const socket = connect(join(folder, "socket"));
      // It is cut while there is something that the server has not read.
      socket.on("error", () => {});
      socket.write("a");
      const [first] = (await once(socket, "data")) as [Buffer];
      expect(first.toString()).toBe(expected);
      socket.write("b");
    }
    const closed = server.sockets.map((socket) => once(socket, "close"));
    await server.stop();
    await Promise.all(closed);
    expect(count).toBe(2);
    rmSync(folder, { recursive: true });
  });
});
