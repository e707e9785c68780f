import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import type { Application } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { staticFiles } from "./index.ts";
import { checked, testFolder, type TestFolder } from "./test-site.ts";

const hasDescriptors = existsSync("/proc/self/fd");
const largeBytes = 20 * 1024 * 1024;

/** How many descriptors of this process are open on files of a folder. */
function openFiles(folder: TestFolder): number {
  return readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(`${folder.path}/`);
    } catch {
      return false;
    }
  }).length;
}

async function serving<T>(app: Application, use: (port: number) => Promise<T>): Promise<T> {
  const server = makeServer("127.0.0.1", 0, app, { shutdownSeconds: 1 });
  const address = await server.listen();
  const served = server.serveForever();
  try {
    return await use(address.kind === "tcp" ? address.port : 0);
  } finally {
    await server.shutdown();
    await served;
  }
}

async function all(port: number, request: string): Promise<Buffer> {
  const socket = connect(port, "127.0.0.1");
  socket.write(request);
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const request = (path: string, headers = ""): string => `GET ${path} HTTP/1.1\r\nHost: test\r\n${headers}\r\n`;

describe("staticFiles behind a server", () => {
  it("sends files of every size whole, several on one connection", async () => {
    using folder = testFolder();
    const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) % 256));
    folder.put("small.txt", "small");
    folder.put("medium.txt", "m".repeat(100 * 1024));
    folder.put("large.bin", large);
    await serving(checked(staticFiles(folder.path)), async (port) => {
      const text = await all(
        port,
        request("/small.txt") +
          request("/medium.txt") +
          request("/large.bin", "Range: bytes=-2000000\r\n") +
          request("/small.txt", 'If-None-Match: "x"\r\nConnection: close\r\n'),
      );
      const heads = text.toString("latin1").match(/HTTP\/1\.1 \d{3}/g);
      expect(heads).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 206", "HTTP/1.1 200"]);
      expect(text.includes(large.subarray(-2_000_000))).toBe(true);
      expect(text.includes("m".repeat(100 * 1024))).toBe(true);
    });
  });

  it.skipIf(!hasDescriptors)("closes the file of a client that leaves, and reads no further than a client that waits", async () => {
    using folder = testFolder();
    folder.put("large.bin", Buffer.alloc(largeBytes, "x"));
    const endings: number[] = [];
    const files = staticFiles(folder.path)((_environ, startResponse) => {
      startResponse("404 Not Found", [["Content-Type", "text/plain"]]);
      return [];
    });
    const app: Application = (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(({ bodyBytes }) => endings.push(bodyBytes));
      return files(environ, startResponse);
    };
    await serving(validator(app), async (port) => {
      for (let i = 1; i <= 10; i++) {
        const socket = connect(port, "127.0.0.1");
        socket.write(request("/large.bin"));
        await new Promise((resolve) => socket.once("data", resolve));
        socket.pause();
        expect(openFiles(folder)).toBe(1);
        socket.destroy();
        while (endings.length < i) await new Promise((resolve) => setImmediate(resolve));
        expect(openFiles(folder)).toBe(0);
      }
      // The kernel holds some megabytes between the two, the server some blocks; never the file.
      expect(Math.max(...endings)).toBeLessThan(largeBytes);
      const whole = await all(port, request("/large.bin", "Connection: close\r\n"));
      expect(whole.length).toBeGreaterThan(largeBytes);
      expect(openFiles(folder)).toBe(0);
    });
  });
});
