import { rmSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { capture, type Application, type HeaderList, type StartResponse } from "@gateway/core";
import { buildEnviron, client, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { staticFiles } from "./index.ts";
import { checked, inner, site, testClock, testFolder } from "./test-site.ts";

describe("staticFiles", () => {
  it("serves a file with all that is known of it", async () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    const response = await site(folder).get("/a.txt");
    expect(response.status).toBe(200);
    expect(response.text()).toBe("content");
    expect([...response.headers]).toEqual([
      ["Content-Type", "text/plain; charset=utf-8"],
      ["ETag", expect.stringMatching(/^"[0-9a-z]+-[0-9a-z]+"$/)],
      ["Cache-Control", "no-cache"],
      ["Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT"],
      ["Accept-Ranges", "bytes"],
      ["X-Content-Type-Options", "nosniff"],
      ["Content-Length", "7"],
    ]);
  });

  it.each([
    ["small", 10],
    ["large", 600_000],
    ["empty", 0],
  ])("answers HEAD for a %s file with the head of GET", async (_name, size) => {
    using folder = testFolder();
    folder.put("a.bin", Buffer.alloc(size, 1));
    const http = site(folder);
    const get = await http.get("/a.bin");
    const head = await http.head("/a.bin");
    expect(get.bytes).toHaveLength(size);
    expect(head.bytes).toHaveLength(0);
    expect([...head.headers]).toEqual([...get.headers]);
  });

  it("is synchronous for what is in memory, and makes no system call for it within a second", async () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    const app = staticFiles(folder.path, { now: testClock().now })(inner);
    const ask = (): unknown => app(buildEnviron({ target: "/a.txt" }), () => () => {});
    expect(ask()).toEqual([Buffer.from("content")]);
    // Nothing of the file system is asked any more: not even that the file is gone is seen.
    rmSync(join(folder.path, "a.txt"));
    expect(ask()).toEqual([Buffer.from("content")]);
  });

  it("gives each response a header list of its own", () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    const app = staticFiles(folder.path)(inner);
    const lists: HeaderList[] = [];
    for (let i = 0; i < 2; i++) {
      void app(buildEnviron({ target: "/a.txt" }), (_status, headers) => {
        lists.push(headers);
        headers.push(["X-Layer", `${i}`]);
        return () => {};
      });
    }
    expect(lists[0]).not.toBe(lists[1]);
    expect(lists.map((list) => list.filter(([name]) => name === "X-Layer"))).toEqual([[["X-Layer", "0"]], [["X-Layer", "1"]]]);
  });

  it("hands on what is no file, and every other method", async () => {
    using folder = testFolder();
    folder.put("a.txt", "content");
    const http = site(folder);
    for (const [method, path] of [
      ["GET", "/b.txt"],
      ["HEAD", "/b.txt"],
      ["POST", "/a.txt"],
      ["PUT", "/a.txt"],
      ["DELETE", "/a.txt"],
      ["OPTIONS", "/a.txt"],
      ["GET", "/a.txt/"],
      ["GET", "/a.txt/b"],
      ["GET", `/${"a".repeat(300)}`],
      ["GET", `/${"a/".repeat(3000)}`],
    ] as const) {
      const response = await http.request(method, path);
      expect([response.status, response.text()]).toEqual([404, method === "HEAD" ? "" : `inner ${method} ${path}`]);
    }
  });

  describe("around an application", () => {
    const around = (app: Application): ReturnType<typeof client> => {
      const folder = testFolder();
      try {
        return client(checked(staticFiles(folder.path), app));
      } finally {
        folder[Symbol.dispose]();
      }
    };

    it("stays synchronous", () => {
      using folder = testFolder();
      const app = staticFiles(folder.path)(inner);
      const response = capture(app, buildEnviron({ target: "/nothing" }));
      expect(response).toMatchObject({ status: "404 Not Found" });
    });

    it("lets it call startResponse late", async () => {
      function* late(startResponse: StartResponse): Generator<Uint8Array> {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield Buffer.from("late");
      }
      const http = around((_environ, startResponse) => late(startResponse));
      expect((await http.get("/x")).text()).toBe("late");
    });

    it("lets it answer asynchronously, and write", async () => {
      const http = around(async (_environ, startResponse) => {
        await Promise.resolve();
        await startResponse("200 OK", [["Content-Type", "text/plain"]])(Buffer.from("written "));
        return [Buffer.from("returned")];
      });
      expect((await http.get("/x")).text()).toBe("written returned");
    });

    it("lets it fail before the head and after it", async () => {
      const early = around(() => {
        throw new Error("early");
      });
      expect((await early.get("/x", { errors: "expected" })).status).toBe(500);
      const late = around((_environ, startResponse) => {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        return (function* (): Generator<Uint8Array> {
          yield Buffer.from("a");
          throw new Error("late");
        })();
      });
      await expect(late.get("/x", { errors: "expected" })).rejects.toThrow(ResponseAborted);
    });

    it("closes its body when the client leaves, and sends its 204 and 304 as they are", async () => {
      const close = vi.fn<() => void>();
      const http = around((environ, startResponse) => {
        if (environ.PATH_INFO !== "/stream") {
          startResponse(environ.PATH_INFO === "/204" ? "204 No Content" : "304 Not Modified", []);
          return [];
        }
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        return {
          async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
            for (;;) yield Buffer.from("on and on");
          },
          close,
        };
      });
      expect((await http.get("/204")).status).toBe(204);
      expect((await http.get("/304")).status).toBe(304);
      const open = await http.open("GET", "/stream");
      open.abort();
      await open.finished;
      expect(close).toHaveBeenCalledOnce();
    });
  });

  it("takes the root as a URL, and finds files that links to the root lead to", async () => {
    using folder = testFolder();
    folder.put("release/a.txt", "one");
    symlinkSync("release", join(folder.path, "current"));
    const http = client(checked(staticFiles(pathToFileURL(`${folder.path}/current/`))));
    expect((await http.get("/a.txt")).text()).toBe("one");
  });

  it("follows the root to another folder within a second", async () => {
    using folder = testFolder();
    folder.put("1/a.txt", "one");
    folder.put("1/old.txt", "old");
    folder.put("2/a.txt", "two");
    symlinkSync("1", join(folder.path, "current"));
    const clock = testClock();
    const http = client(checked(staticFiles(join(folder.path, "current"), { now: clock.now })));
    // Also for what was looked at a moment before the root is looked up again.
    clock.advance(900);
    expect((await http.get("/a.txt")).text()).toBe("one");
    expect((await http.get("/old.txt")).text()).toBe("old");
    unlinkSync(join(folder.path, "current"));
    symlinkSync("2", join(folder.path, "current"));
    clock.advance(100);
    expect((await http.get("/a.txt")).text()).toBe("two");
    expect((await http.get("/old.txt")).status).toBe(404);
  });

  it("keeps the rules on both sides with every kind of response", async () => {
    using folder = testFolder();
    folder.put("a.txt", "0123456789");
    folder.put("large.bin", Buffer.alloc(700_000, "x"));
    const app = validator(staticFiles(folder.path)(validator(inner)));
    const http = client(app);
    for (const path of ["/a.txt", "/large.bin", "/nothing"]) {
      for (const headers of [
        {},
        { Range: "bytes=0-1" },
        { Range: "bytes=0-1,5-6" },
        { Range: "bytes=99999999-" },
        { "If-None-Match": "*" },
        { "If-Match": '"no"' },
      ]) {
        for (const method of ["GET", "HEAD", "POST"])
          expect((await http.request(method, path, { headers })).status).toBeLessThan(500);
      }
    }
  });
});
