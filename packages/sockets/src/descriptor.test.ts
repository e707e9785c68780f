import { openSync, closeSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { checkSocketDescriptor } from "./descriptor.ts";

describe("checkSocketDescriptor", () => {
  it("takes a socket", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    expect(() => checkSocketDescriptor(fd)).not.toThrow();
    server.close();
  });

  it("refuses what is none, and what is not open", () => {
    const fd = openSync("/dev/null", "r");
    expect(() => checkSocketDescriptor(fd)).toThrow(expect.objectContaining({ code: "ENOTSOCK" }));
    closeSync(fd);
    expect(() => checkSocketDescriptor(99_999)).toThrow(expect.objectContaining({ code: "EBADF" }));
  });
});
