import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { password } from "./test-guestbook.ts";
import { eventIds, GuestbookProcess, Visitor } from "./test-process.ts";

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "gateway-guestbook-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the guestbook, started", () => {
  it("says where things are and what to open, and keeps all over a restart", async () => {
    const visitor = new Visitor();
    {
      await using book = await GuestbookProcess.start({ GUESTBOOK_FOLDER: folder });
      expect(book.lines).toContain("guestbook: open the address below in a browser");
      expect(book.lines.join("\n")).toMatch(/entries are in SQLite \((node:sqlite|node-sqlite3-wasm)\) in .*guestbook\.db/);
      expect((await visitor.post(`${book.origin}/join`, { name: "Ada", password })).status).toBe(303);
      expect((await visitor.post(`${book.origin}/entries`, { text: "still there?" })).status).toBe(303);
      expect(await book.stop("SIGTERM")).toBe(0);
    }
    expect((await stat(join(folder, "secret"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(folder, "access.log"), "utf8")).toMatch(/"POST \/entries HTTP\/1\.1" 303 /);
    const lines = (await readFile(join(folder, "access.jsonl"), "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as Record<string, unknown>)["url.path"])).toEqual(["/join", "/entries"]);

    await using again = await GuestbookProcess.start({ GUESTBOOK_FOLDER: folder });
    const page = await (await visitor.get(again.origin)).text();
    expect(page).toContain("still there?");
    // The same secret opens the cookie.
    expect(page).toContain("Signed as");
    expect(await again.stop("SIGINT")).toBe(0);
  });

  it("keeps its entries when it is killed, and starts again", async () => {
    const visitor = new Visitor();
    for (let round = 1; round <= 3; round++) {
      await using book = await GuestbookProcess.start({ GUESTBOOK_FOLDER: folder });
      if (round === 1) await visitor.post(`${book.origin}/join`, { name: "Ada", password });
      expect((await visitor.post(`${book.origin}/entries`, { text: `round ${round}` })).status).toBe(303);
      const { entries } = (await (await visitor.get(`${book.origin}/api/entries`)).json()) as { entries: { text: string }[] };
      expect(entries.map(({ text }) => text)).toEqual(Array.from({ length: round }, (_, i) => `round ${round - i}`));
      await book.stop("SIGKILL");
    }
  });

  it.skipIf(!existsSync("/proc/self/task"))("opens its logs anew where all its processes get USR1, and loses no line", async () => {
    const log = join(folder, "access.log");
    await using book = await GuestbookProcess.start({ GUESTBOOK_FOLDER: folder });
    const pid = book.child.pid ?? 0;
    const workers = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").map(Number);
    await (await fetch(`${book.origin}/?before`)).text();
    await rename(log, `${log}.1`);
    for (const each of [pid, ...workers]) process.kill(each, "SIGUSR1");
    await vi.waitUntil(() => existsSync(log), { timeout: 20_000 });
    await (await fetch(`${book.origin}/?after`)).text();
    expect(await book.stop("SIGTERM")).toBe(0);
    const targets = async (file: string): Promise<readonly string[]> => (await readFile(file, "utf8")).match(/\/\?\w+/g) ?? [];
    const current = await targets(log);
    expect(current).toContain("/?after");
    // What was not handed to the system yet goes to the new file.
    expect([...(await targets(`${log}.1`)), ...current]).toEqual(["/?before", "/?after"]);
  });

  it("stops while somebody watches", async () => {
    await using book = await GuestbookProcess.start({ GUESTBOOK_FOLDER: folder });
    const ids = eventIds(`${book.origin}/events?after=0`, AbortSignal.timeout(15_000));
    const rest = ids.next();
    expect((await fetch(`${book.origin}/readyz`)).status).toBe(200);
    expect(await book.stop("SIGTERM")).toBe(0);
    expect((await rest).done).toBe(true);
  });

  it.each([
    [{ DATABASE_URL: "mysql://localhost/x" }, "DATABASE_URL begins with postgres:// or postgresql://"],
    [{ REDIS_URL: "localhost:6379" }, "REDIS_URL begins with redis://"],
    [{ SECRET: "short" }, "SECRET has at least 32 characters"],
  ])("says what is wrong with %o", async (environment, message) => {
    await expect(GuestbookProcess.start({ GUESTBOOK_FOLDER: folder, ...environment })).rejects.toThrow(message);
  });
});
