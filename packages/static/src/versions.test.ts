import {
  appendFileSync,
  existsSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Application, HeaderList } from "@gateway/core";
import { client } from "@gateway/testing";
import { describe, expect, it, vi } from "vitest";
import { staticFiles, type StaticFilesOptions } from "./index.ts";
import { checked, longAgo, testClock, testFolder, type TestFolder } from "./test-site.ts";

const hasDescriptors = existsSync("/proc/self/fd");

/** How many descriptors of this process are open on files of a folder. */
function openFiles(folder: TestFolder): number {
  if (!hasDescriptors) return 0;
  return readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(`${folder.path}/`);
    } catch {
      return false;
    }
  }).length;
}

function site(
  folder: TestFolder,
  options: StaticFilesOptions = {},
): { http: ReturnType<typeof client>; clock: ReturnType<typeof testClock> } {
  const clock = testClock();
  const app: Application = checked(staticFiles(folder.path, { now: clock.now, ...options }));
  return { http: client(app), clock };
}

const largeBytes = 1_500_000;

describe("a file that changes", () => {
  it.each([
    ["small", 10],
    ["large", largeBytes],
  ])("is seen changed within a second: a %s one", async (_name, size) => {
    using folder = testFolder();
    folder.put("a.txt", Buffer.alloc(size, "1"));
    const { http, clock } = site(folder);
    const first = await http.get("/a.txt");
    expect(first.text()).toBe("1".repeat(size));
    for (const [i, change] of [
      () => folder.put("a.txt", Buffer.alloc(size, "2")), // in place, and its time set back
      () => renameSync(folder.put("new.txt", Buffer.alloc(size, "3")), join(folder.path, "a.txt")),
      () => folder.put("a.txt", Buffer.alloc(size + 1, "4"), longAgo + 5),
    ].entries()) {
      change();
      clock.advance(1000);
      const next = await http.get("/a.txt");
      expect(next.text()[0]).toBe(`${i + 2}`);
      expect(new Set(next.text()).size).toBe(1);
    }
    rmSync(join(folder.path, "a.txt"));
    clock.advance(1000);
    expect((await http.get("/a.txt")).status).toBe(404);
    folder.put("a.txt", "5");
    clock.advance(1000);
    expect((await http.get("/a.txt")).text()).toBe("5");
    expect(openFiles(folder)).toBe(0);
  });

  it("is read again while it is young, though nothing of it tells: two changes may share one tick of the file system's clock", async () => {
    using folder = testFolder();
    const headers = vi.fn<() => HeaderList>(() => []);
    const { http, clock } = site(folder, { headers });
    folder.put("a.txt", "one", clock.now() / 1000 - 0.5);
    const tags: string[] = [];
    // It is 0.5, 1.5, 2.5 and 3.5 seconds old; each reading of it asks for its headers.
    for (const readings of [1, 2, 3, 3]) {
      tags.push((await http.get("/a.txt")).headers.get("etag") ?? "");
      expect(headers).toHaveBeenCalledTimes(readings);
      clock.advance(1000);
    }
    expect(tags.map((tag) => tag.startsWith("W/"))).toEqual([true, true, false, false]);
  });

  it("is seen at once where the clock was set back", async () => {
    using folder = testFolder();
    folder.put("a.txt", "one");
    const { http, clock } = site(folder);
    await http.get("/a.txt");
    folder.put("a.txt", "two");
    clock.advance(-3_600_000);
    expect((await http.get("/a.txt")).text()).toBe("two");
  });

  it("is found within a second where there was none, or another in its place", async () => {
    using folder = testFolder();
    folder.put("page.html", "page.html");
    const { http, clock } = site(folder, { extensions: ["html"] });
    expect((await http.get("/new.txt")).status).toBe(404);
    expect((await http.get("/page")).text()).toBe("page.html");
    folder.put("new.txt", "new");
    folder.put("page", "page");
    expect((await http.get("/new.txt")).status).toBe(404);
    clock.advance(1000);
    expect((await http.get("/new.txt")).text()).toBe("new");
    expect((await http.get("/page")).text()).toBe("page");
    rmSync(join(folder.path, "page"));
    clock.advance(1000);
    expect((await http.get("/page")).text()).toBe("page.html");
  });

  it("is seen with siblings that come and go", async () => {
    using folder = testFolder();
    folder.put("a.js", "plain");
    const { http, clock } = site(folder);
    const get = async (): Promise<string> => (await http.get("/a.js", { headers: { "Accept-Encoding": "gzip" } })).text();
    expect(await get()).toBe("plain");
    folder.put("a.js.gz", "gzip");
    clock.advance(1000);
    expect(await get()).toBe("gzip");
    folder.put("a.js", "newer", longAgo + 1);
    clock.advance(1000);
    expect(await get()).toBe("newer");
    folder.put("a.js.gz", "newer gzip", longAgo + 1);
    clock.advance(1000);
    expect(await get()).toBe("newer gzip");
    rmSync(join(folder.path, "a.js.gz"));
    clock.advance(1000);
    expect(await get()).toBe("newer");
  });
});

describe("a large file", () => {
  const changes: readonly (readonly [string, (path: string) => void])[] = [
    ["cut short", (path) => truncateSync(path, 1000)],
    ["emptied", (path) => truncateSync(path, 0)],
    ["written to", (path) => writeFileSync(path, Buffer.alloc(largeBytes, "2"))],
    ["appended to", (path) => appendFileSync(path, "2")],
  ];

  it.each(changes)("breaks off where it is %s while it is sent", async (_name, change) => {
    using folder = testFolder();
    const path = folder.put("a.bin", Buffer.alloc(largeBytes, "1"));
    const { http } = site(folder);
    const open = await http.open("GET", "/a.bin", { errors: "ignore" });
    let received = "";
    await expect(async () => {
      for await (const chunk of open.body) {
        if (received === "") change(path);
        received += Buffer.from(chunk).toString("latin1");
      }
    }).rejects.toThrow("was broken off");
    expect(await open.finished).toMatchObject({ outcome: "failed" });
    // What came is of the first version, and never filled up.
    expect(received.length).toBeLessThan(largeBytes);
    expect(new Set(received)).toEqual(new Set("1"));
    expect(openFiles(folder)).toBe(0);
  });

  it.each(changes)("breaks off where it is %s while it is sent from memory", async (_name, change) => {
    using folder = testFolder();
    const path = folder.put("a.bin", Buffer.alloc(largeBytes, "1"));
    const { http } = site(folder);
    for (let turn = 0; turn < 3; turn++) expect((await http.get("/a.bin")).text()).toBe("1".repeat(largeBytes));
    const open = await http.open("GET", "/a.bin", { errors: "ignore" });
    change(path);
    await expect(async () => {
      for await (const chunk of open.body) expect(new Set(Buffer.from(chunk).toString("latin1"))).toEqual(new Set("1"));
    }).rejects.toThrow("was broken off");
    expect(await open.finished).toMatchObject({ outcome: "failed" });
    expect(openFiles(folder)).toBe(0);
  });

  it("comes from memory when it is sent again and again, whole and in parts", async () => {
    using folder = testFolder();
    const content = Buffer.from(Array.from({ length: largeBytes }, (_, i) => (i * 7 + (i >> 9)) % 256));
    folder.put("a.bin", content);
    const { http } = site(folder);
    for (let turn = 0; turn < 3; turn++) expect(Buffer.from((await http.get("/a.bin")).bytes).equals(content)).toBe(true);
    for (const [first, last] of [
      [0, 10],
      [262_144, 524_287],
      [262_143, 1_000_000],
      [1_310_720, largeBytes - 1],
      [300_000, largeBytes - 1],
    ] as const) {
      const part = await http.get("/a.bin", { headers: { Range: `bytes=${first}-${last}` } });
      expect(Buffer.from(part.bytes).equals(content.subarray(first, last + 1))).toBe(true);
    }
    expect(openFiles(folder)).toBe(0);
  });

  it("goes on in the version it began with where another is put in its place", async () => {
    using folder = testFolder();
    const path = folder.put("a.bin", Buffer.alloc(largeBytes, "1"));
    const { http } = site(folder);
    const open = await http.open("GET", "/a.bin");
    let received = "";
    for await (const chunk of open.body) {
      if (received === "") renameSync(folder.put("b.bin", Buffer.alloc(largeBytes, "2"), longAgo + 1), path);
      received += Buffer.from(chunk).toString("latin1");
    }
    await open.finished;
    expect(received).toBe("1".repeat(largeBytes));
    // The next answer has another version, and says so.
    const next = await http.get("/a.bin");
    expect(next.text()).toBe("2".repeat(largeBytes));
    expect(next.headers.get("etag")).not.toBe(open.headers.get("etag"));
  });

  it("never has the tag of one version and the bytes of another, within that second too", async () => {
    using folder = testFolder();
    folder.put("a.bin", Buffer.alloc(largeBytes, "1"));
    const { http } = site(folder);
    const first = await http.head("/a.bin");
    folder.put("a.bin", Buffer.alloc(largeBytes + 7, "2"), longAgo + 3);
    const next = await http.get("/a.bin");
    expect(next.text()).toBe("2".repeat(largeBytes + 7));
    expect(next.headers.get("content-length")).toBe(`${largeBytes + 7}`);
    expect(next.headers.get("etag")).not.toBe(first.headers.get("etag"));
    rmSync(join(folder.path, "a.bin"));
    expect((await http.get("/a.bin")).status).toBe(404);
  });

  it("is closed, once, when the client leaves early, at any time", async () => {
    using folder = testFolder();
    folder.put("a.bin", Buffer.alloc(largeBytes, "1"));
    const { http } = site(folder);
    for (let chunks = 0; chunks < 4; chunks++) {
      const open = await http.open("GET", "/a.bin");
      let left = chunks;
      if (left > 0) {
        for await (const chunk of open.body) {
          expect(chunk.length).toBeGreaterThan(0);
          if (--left === 0) break;
        }
      }
      open.abort();
      await open.finished;
    }
    expect(openFiles(folder)).toBe(0);
    expect((await http.get("/a.bin")).bytes).toHaveLength(largeBytes);
    expect(openFiles(folder)).toBe(0);
  });

  it("gives its parts, one or several", async () => {
    using folder = testFolder();
    const content = Buffer.from(Array.from({ length: largeBytes }, (_, i) => i % 251));
    folder.put("a.bin", content);
    const { http } = site(folder);
    const one = await http.get("/a.bin", { headers: { Range: "bytes=300000-900000" } });
    expect(Buffer.from(one.bytes).equals(content.subarray(300_000, 900_001))).toBe(true);
    const two = await http.get("/a.bin", { headers: { Range: "bytes=-10,5-6" } });
    expect(two.headers.get("content-length")).toBe(`${two.bytes.length}`);
    expect(Buffer.from(two.bytes).includes(content.subarray(-10))).toBe(true);
    expect(openFiles(folder)).toBe(0);
  });
});

describe("the memory cache", () => {
  it("holds no more than it may, and serves what it does not hold all the same", async () => {
    using folder = testFolder();
    for (let i = 0; i < 50; i++) folder.put(`${i}.txt`, Buffer.alloc(10_000, `${i % 10}`));
    for (const maxCacheBytes of [0, 30_000, 100_000, 10_000_000]) {
      const { http } = site(folder, { maxCacheBytes });
      for (let turn = 0; turn < 2; turn++) {
        for (let i = 0; i < 50; i++) expect((await http.get(`/${i}.txt`)).text()).toBe(`${i % 10}`.repeat(10_000));
      }
    }
    expect(openFiles(folder)).toBe(0);
  });

  it("has nothing of files above its limit", async () => {
    using folder = testFolder();
    folder.put("a.txt", "12345");
    const { http } = site(folder, { maxCachedFileBytes: 4 });
    expect((await http.get("/a.txt")).text()).toBe("12345");
    expect((await http.get("/a.txt", { headers: { Range: "bytes=1-2" } })).text()).toBe("23");
    folder.put("a.txt", "");
    utimesSync(join(folder.path, "a.txt"), longAgo, longAgo + 1);
    expect((await http.get("/a.txt")).text()).toBe("");
  });
});
