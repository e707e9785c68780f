import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { sessionStoreConformance } from "@gateway/testing/session-store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileStore } from "./file-store.ts";

const id = "s".repeat(43);
const file = `${id}.session`;
const later = 4_000_000_000_000;

describe("fileStore", () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "gateway-files-"))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  for (const durable of [false, true]) {
    sessionStoreConformance(
      (now) => {
        const folder = join(directory, "sessions");
        return {
          store: fileStore({ directory: folder, durable, now }),
          another: () => fileStore({ directory: folder, durable, now }),
          breakDown: () => renameSync(folder, `${folder}.away`),
          mend: () => renameSync(`${folder}.away`, folder),
        };
      },
      { describe, it },
      { name: durable ? "files, durable" : "files" },
    );
  }

  it("keeps folder and files for its user alone, and leaves nothing else behind", async () => {
    const folder = join(directory, "a", "b");
    const store = fileStore({ directory: folder });
    await store.write(id, { data: "one", version: 1, expiresAt: later });
    await store.write(id, { data: "two", version: 2, expiresAt: later });
    expect(await store.write(id, { data: "no", version: 2, expiresAt: later })).toBe(false);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder)).toEqual([file]);
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    await store.delete(id);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each(["", "..", "a/b", `${"s".repeat(42)}/`, `${"s".repeat(42)}.`, "s".repeat(101), `${id}\n`])(
    "refuses the id %j",
    async (bad) => {
      const store = fileStore({ directory });
      await expect(store.read(bad)).rejects.toThrow("base64url");
      await expect(store.write(bad, { data: "", version: 1, expiresAt: later })).rejects.toThrow("base64url");
      await expect(store.touch(bad, later)).rejects.toThrow("base64url");
      await expect(store.delete(bad)).rejects.toThrow("base64url");
      expect(readdirSync(directory)).toEqual([]);
    },
  );

  it.each(["", "1 2", "1 4000000000000 5\nfour", "1 4000000000000 2\nfour", "x y z\n", "\n"])(
    "takes a file that is not whole (%j) for no session, and a new one in its place",
    async (text) => {
      writeFileSync(join(directory, file), text);
      const store = fileStore({ directory });
      expect(await store.read(id)).toBeUndefined();
      expect(await store.write(id, { data: "new", version: 1, expiresAt: later })).toBe(true);
      expect(await store.read(id)).toEqual({ data: "new", version: 1, expiresAt: later });
    },
  );

  it("prunes what has expired and what is not whole, and leaves alone what is no session", async () => {
    let time = 1000;
    const store = fileStore({ directory, now: () => time });
    const ids = ["a", "b", "c"].map((letter) => letter.repeat(43));
    for (const [i, one] of ids.entries()) await store.write(one, { data: one, version: 1, expiresAt: 2000 + i * 1000 });
    writeFileSync(join(directory, file), "broken");
    writeFileSync(join(directory, "README"), "not a session");
    time = 3000;
    expect(await store.prune()).toBe(3);
    expect(readdirSync(directory).toSorted()).toEqual(["README", `${ids[2]}.session`]);
  });

  const lockOf = (name: string): string => {
    const lock = join(directory, `${file}.lock`);
    mkdirSync(lock);
    if (name !== "") writeFileSync(join(lock, name), "");
    return lock;
  };
  const host = hostname().replaceAll(/[^A-Za-z0-9-]/g, "-");
  const aMinuteAgo = new Date(Date.now() - 60_000);

  it("goes on at once where a process was killed while it held the lock", async () => {
    const child = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    child.kill("SIGKILL");
    await once(child, "exit");
    lockOf(`${child.pid}.${host}.0123456789abcdef`);
    const store = fileStore({ directory });
    expect(await store.write(id, { data: "one", version: 1, expiresAt: later })).toBe(true);
    expect(readdirSync(directory)).toEqual([file]);
  });

  it.each(["", "1.another-machine.0123456789abcdef"])("breaks a lock of nobody knows whom (%j) when it is old", async (name) => {
    utimesSync(lockOf(name), aMinuteAgo, aMinuteAgo);
    const store = fileStore({ directory });
    expect(await store.write(id, { data: "one", version: 1, expiresAt: later })).toBe(true);
    expect(readdirSync(directory)).toEqual([file]);
  });

  it("removes locks that were left behind when it prunes", async () => {
    utimesSync(lockOf("1.another-machine.0123456789abcdef"), aMinuteAgo, aMinuteAgo);
    expect(await fileStore({ directory }).prune()).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("commits nothing when its lock was broken, and tries again", async () => {
    const path = join(directory, file);
    // The store looks at the clock while it holds the lock, after it has read the file.
    let disturb: (() => void) | undefined;
    const store = fileStore({
      directory,
      now: () => {
        if (disturb !== undefined) rmSync(`${path}.lock`, { recursive: true });
        disturb?.();
        disturb = undefined;
        return 1000;
      },
    });
    writeFileSync(path, "7 500 4\ngone");
    disturb = () => writeFileSync(path, `1 ${later} 5\nother`);
    expect(await store.write(id, { data: "mine", version: 1, expiresAt: later })).toBe(false);
    expect(await store.read(id)).toEqual({ data: "other", version: 1, expiresAt: later });
    disturb = () => writeFileSync(path, `1 ${later + 1} 5\nother`);
    expect(await store.write(id, { data: "mine", version: 2, expiresAt: later })).toBe(true);
    expect(await store.read(id)).toEqual({ data: "mine", version: 2, expiresAt: later });
    expect(readdirSync(directory)).toEqual([file]);
  });

  it("says what is wrong with its folder when it is made", () => {
    writeFileSync(join(directory, "file"), "");
    expect(() => fileStore({ directory: join(directory, "file", "sessions") })).toThrow("ENOTDIR");
    expect(() => fileStore({ directory: "" })).toThrow("directory is the path of a folder");
    expect(() => fileStore({ directory, durable: 1 as unknown as boolean })).toThrow("durable is true or false");
    expect(() => fileStore({ directory, now: 1 as unknown as () => number })).toThrow("now is a function");
  });
});
