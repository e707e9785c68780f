import { spawn, spawnSync, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import fs, { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { logFile, type LogFileOptions } from "./log-file.ts";
import { campaignTimeout, eventually, scaled } from "@gateway/testing/campaign";

let folder: string;
let path: string;
let files = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-log-"));
});
beforeEach(() => {
  path = join(folder, `${files++}.log`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (): string => readFileSync(path, "latin1");
const packageFolder = fileURLToPath(new URL("..", import.meta.url));

/** Runs a module that imports the built package. */
function runModule(
  code: string,
  args: readonly string[] = [],
  errors: "inherit" | "ignore" = "inherit",
): ChildProcessByStdio<Writable, Readable, null> {
  return spawn(process.execPath, [...nodeArguments(code), "--", path, ...args], {
    cwd: packageFolder,
    stdio: ["pipe", "pipe", errors],
  });
}

function nodeArguments(code: string): readonly string[] {
  const source = `import { logFile } from "@gateway/logging";\nconst [path, ...args] = process.argv.slice(1);\n${code}`;
  return ["--input-type=module", "-e", source];
}

describe("logFile", () => {
  it("gathers lines, and writes them as one when they are enough", async () => {
    const log = logFile(path, { batchBytes: 1000 });
    const line = `${"x".repeat(99)}\n`;
    for (let i = 0; i < 9; i++) log.write(line);
    await new Promise((resolve) => setImmediate(resolve));
    expect(statSync(path).size).toBe(0);
    log.write(line);
    await eventually(() => statSync(path).size > 0);
    expect(statSync(path).size).toBe(1000);
    await log.close();
    expect(read()).toBe(line.repeat(10));
  });

  it("writes what waits after flushSeconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const log = logFile(path, { flushSeconds: 2 });
      log.write("one\n");
      vi.advanceTimersByTime(1999);
      await new Promise((resolve) => setImmediate(resolve));
      expect(read()).toBe("");
      vi.advanceTimersByTime(1);
      await eventually(() => read() === "one\n");
      log.write("two\n");
      await eventually(() => vi.getTimerCount() === 1);
      await log.close();
      expect(vi.getTimerCount()).toBe(0);
      expect(read()).toBe("one\ntwo\n");
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends a flush although more and more lines come", async () => {
    const log = logFile(path, { flushSeconds: 0 });
    log.write("one\n");
    const stop = new AbortController();
    const writing = (async () => {
      let turn = 0;
      for (; turn < 100_000 && !stop.signal.aborted; turn++) {
        log.write("more\n");
        await new Promise((resolve) => setImmediate(resolve));
      }
      return turn;
    })();
    await log.flush();
    stop.abort();
    expect(await writing).toBeLessThan(100_000);
    expect(readFileSync(path, "latin1")).toMatch(/^one\n/);
    await log.close();
  });

  it("keeps every line in order, however many wait while a write is under way", async () => {
    const log = logFile(path, { batchBytes: 4096 });
    const lines: string[] = [];
    for (let i = 0; i < 20_000; i++) {
      const line = `${i} ${"y".repeat(i % 300)}\n`;
      lines.push(line);
      log.write(line);
      if (i % 997 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await log.flush();
    expect(read()).toBe(lines.join(""));
    await log.close();
  });

  it("takes a line longer than a batch", async () => {
    const log = logFile(path, { batchBytes: 10 });
    const long = `${"z".repeat(200_000)}\n`;
    log.write(long);
    log.write(long);
    await log.close();
    expect(read()).toBe(long + long);
  });

  it("appends to what is there, and creates a file for nobody else", async () => {
    writeFileSync(path, "before\n");
    const log = logFile(pathToFileURL(path));
    log.write("after\n");
    await log.close();
    expect([log.path, read()]).toEqual([path, "before\nafter\n"]);
    const created = join(folder, "created.log");
    await logFile(created).close();
    expect(statSync(created).mode & 0o027).toBe(0);
    const open = join(folder, "open.log");
    await logFile(open, { mode: 0o600 }).close();
    expect(statSync(open).mode & 0o777).toBe(0o600);
  });

  it("drops and counts lines that come after it was closed", async () => {
    const onError = vi.fn<(error: Error) => void>();
    const log = logFile(path, { onError });
    log.write("one\n");
    await log.close();
    await log.close();
    log.write("two\n");
    log.write("three\n");
    log.reopen();
    expect([read(), log.droppedLines]).toEqual(["one\n", 2]);
    expect(onError).toHaveBeenCalledOnce();
    await log.flush();
  });

  it("leaves no listeners behind", async () => {
    const before = [process.listenerCount("exit"), process.listenerCount("SIGHUP")];
    const logs = Array.from({ length: 20 }, () => logFile(path, { reopenSignal: "SIGHUP" }));
    expect([process.listenerCount("exit"), process.listenerCount("SIGHUP")]).toEqual(before.map((count) => count + 1));
    for (const log of logs) await log.close();
    expect([process.listenerCount("exit"), process.listenerCount("SIGHUP")]).toEqual(before);
    expect(() => logFile("/no/such/folder/x.log", { reopenSignal: "SIGHUP" })).toThrow("ENOENT");
    expect(process.listenerCount("SIGHUP")).toBe(before[1]);
  });

  it.each<[LogFileOptions, string]>([
    [{ batchBytes: 0 }, "batchBytes is a whole number of bytes from 1 on"],
    [{ flushSeconds: -1 }, "flushSeconds is a number from 0 to 3600"],
    [{ flushSeconds: Number.NaN }, "flushSeconds"],
    [{ mode: 0o1000 }, "mode is a number from 0 to 0o777"],
    [{ maxPendingBytes: 0.5 }, "maxPendingBytes is a whole number of bytes"],
    [{ overflow: "block" as "wait" }, 'overflow is "drop" or "wait"'],
    [{ onError: 3 as unknown as () => void }, "onError is a function"],
    [{ reopenSignal: "SIGKILL" }, "SIGKILL is no signal that can be caught here"],
    [{ reopenSignal: "SIGNONE" as "SIGHUP" }, "SIGNONE is no signal of this system"],
  ])("refuses %o", (options, message) => {
    expect(() => logFile(path, options)).toThrow(message);
  });

  it("refuses what is no path, and one that cannot be opened", () => {
    expect(() => logFile(3 as unknown as string)).toThrow("the path of a log file is a string or a file URL");
    expect(() => logFile("")).toThrow("is empty");
    expect(() => logFile(folder)).toThrow("EISDIR");
  });
});

describe("reopening a log file", () => {
  it("goes on in a new file, and leaves what was written in the old one", async () => {
    const log = logFile(path);
    log.write("old\n");
    await log.flush();
    renameSync(path, `${path}.1`);
    log.write("waiting\n");
    log.reopen();
    log.write("new\n");
    await log.close();
    expect([readFileSync(`${path}.1`, "latin1"), read()]).toEqual(["old\n", "waiting\nnew\n"]);
  });

  it("finishes a write that is under way where it began", async () => {
    const log = logFile(path, { batchBytes: 1 });
    log.write("old\n");
    renameSync(path, `${path}.1`);
    log.reopen();
    log.reopen();
    log.write("new\n");
    await log.close();
    expect([readFileSync(`${path}.1`, "latin1"), read()]).toEqual(["old\n", "new\n"]);
  });

  it("keeps the old one, and says so once, where the new cannot be opened", async () => {
    const onError = vi.fn<(error: Error) => void>();
    const log = logFile(path, { onError });
    renameSync(path, `${path}.1`);
    fs.mkdirSync(path);
    log.reopen();
    log.reopen();
    log.write("one\n");
    await log.flush();
    expect(onError).toHaveBeenCalledOnce();
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "EISDIR" });
    rmSync(path, { recursive: true });
    log.reopen();
    log.write("two\n");
    await log.close();
    expect([readFileSync(`${path}.1`, "latin1"), read()]).toEqual(["one\n", "two\n"]);
  });

  it("loses no line when it is renamed under load and told by a signal", { timeout: campaignTimeout }, async () => {
    const rotations = scaled(100);
    const child = runModule(
      `const log = logFile(path, { reopenSignal: "SIGUSR2", batchBytes: 2000, flushSeconds: 0.01 });
       let line = 0;
       let stopped = false;
       process.on("SIGTERM", () => { stopped = true; });
       process.on("SIGUSR2", () => console.log("reopened"));
       console.log("ready");
       const work = () => {
         for (let i = 0; i < 50; i++) log.write("line " + line++ + " " + "x".repeat(line % 200) + "\\n");
         if (!stopped) return setImmediate(work);
         console.log("written " + line);
         process.exit(0);
       };
       work();`,
    );
    const heard = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect((await heard.next()).value).toBe("ready");
    for (let i = 0; i < rotations; i++) {
      renameSync(path, `${path}.${i}`);
      child.kill("SIGUSR2");
      expect((await heard.next()).value).toBe("reopened");
      expect(existsSync(path)).toBe(true);
    }
    child.kill("SIGTERM");
    const written = Number(/^written (\d+)$/.exec(String((await heard.next()).value))?.[1]);
    await once(child, "close");
    let expected = 0;
    for (let i = 0; i <= rotations; i++) {
      const text = readFileSync(i < rotations ? `${path}.${i}` : path, "latin1");
      for (const line of text.split("\n").slice(0, -1)) {
        if (line !== `line ${expected} ${"x".repeat((expected + 1) % 200)}`) expect.fail(`${line} instead of line ${expected}`);
        expected++;
      }
      expect(text === "" || text.endsWith("\n")).toBe(true);
    }
    expect(expected).toBe(written);
    expect(written).toBeGreaterThan(0);
  });
});

describe("a log file of more than one process", () => {
  it("has no torn line", { timeout: campaignTimeout }, async () => {
    const count = scaled(500_000);
    const children = ["A", "B"].map((name) =>
      runModule(
        `const log = logFile(path);
         const [name, count] = [args[0], Number(args[1])];
         process.stdin.once("data", () => {
           let line = 0;
           const work = () => {
             for (let i = 0; i < 200 && line < count; i++) log.write(name + " " + line++ + " " + name.repeat(line % 400) + "\\n");
             if (line < count) setImmediate(work);
             else process.exit(log.droppedLines);
           };
           work();
         });
         console.log("ready");`,
        [name, `${count}`],
      ),
    );
    const codes = children.map((child) => once(child, "exit"));
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    for (const child of children) child.stdin.end("go");
    expect((await Promise.all(codes)).map(([code]) => code as unknown)).toEqual([0, 0]);
    const next = new Map([
      ["A", 0],
      ["B", 0],
    ]);
    for await (const line of createInterface(fs.createReadStream(path, "latin1"))) {
      const name = line.charAt(0);
      const number = next.get(name) ?? -1;
      if (line !== `${name} ${number} ${name.repeat((number + 1) % 400)}`) expect.fail(`a torn line: ${line}`);
      next.set(name, number + 1);
    }
    expect([...next.values()]).toEqual([count, count]);
  });
});

describe("a process that ends", () => {
  it.each([
    ["by itself", ""],
    ["by process.exit()", "process.exit(0);"],
    ["by process.exit() in a later turn", "setImmediate(() => process.exit(0));"],
    ["by an error that nobody caught", 'setImmediate(() => { throw new Error("uncaught"); });'],
  ])("has written every line: %s", async (_, end) => {
    const child = runModule(
      `const log = logFile(path); for (let i = 0; i < 5000; i++) log.write("line " + i + "\\n"); ${end}`,
      [],
      "ignore",
    );
    await once(child, "exit");
    expect(read()).toBe(Array.from({ length: 5000 }, (_, i) => `line ${i}\n`).join(""));
  });

  it(
    "has written every line once, whether a write was under way or waited for a thread",
    async () => {
      const many = Array.from({ length: scaled(50) }, (_, i) => i);
      for (const i of many) {
        path = join(folder, `exit-${i}.log`);
        const child = runModule(
          `import { pbkdf2 } from "node:crypto";
         // Threads that are busy: the write is cancelled when the process ends.
         if (Number(args[0]) % 2 === 1) for (let k = 0; k < 8; k++) pbkdf2("a", "b", 200_000, 64, "sha512", () => {});
         const log = logFile(path, { batchBytes: 100 });
         for (let k = 0; k < 5000; k++) log.write("line " + k + "\\n");
         process.exit(0);`,
          [`${i}`],
        );
        await once(child, "exit");
        expect(read()).toBe(Array.from({ length: 5000 }, (_, k) => `line ${k}\n`).join(""));
      }
    },
    campaignTimeout,
  );

  it("is not kept alive by a log, and writes to pipes and devices too", async () => {
    const code = `logFile("/dev/stdout").write("to a pipe\\n"); logFile("/dev/null").write("nowhere\\n");`;
    // Node's own pipes are sockets, which cannot be opened by name; those of a shell are pipes.
    const { stdout, stderr } = spawnSync("sh", ["-c", '"$@" | cat', "sh", process.execPath, ...nodeArguments(code)], {
      cwd: packageFolder,
    });
    expect([String(stdout), String(stderr)]).toEqual(["to a pipe\n", ""]);
  });
});

describe("trouble with the disk", () => {
  it("is reported once, ends nothing, and loses nothing while there is room", async () => {
    const onError = vi.fn<(error: Error) => void>();
    const log = logFile("/dev/full", { onError });
    log.write("one\n");
    await log.flush();
    log.write("two\n");
    await log.flush();
    expect(onError).toHaveBeenCalledOnce();
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: "ENOSPC" });
    expect(log.droppedLines).toBe(0);
    await log.close();
    expect(log.droppedLines).toBe(2);
  });

  it("is not asked again for every line, but after a while", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const write = vi.spyOn(fs, "writeSync");
    syncBuiltinESMExports();
    try {
      const log = logFile("/dev/full", { batchBytes: 1, flushSeconds: 0.1, onError: () => {} });
      for (let i = 0; i < 100; i++) log.write("line\n");
      vi.advanceTimersByTime(999);
      expect(write).toHaveBeenCalledTimes(1);
      vi.advanceTimersByTime(1);
      expect(write).toHaveBeenCalledTimes(2);
      await log.close();
      expect(log.droppedLines).toBe(100);
    } finally {
      write.mockRestore();
      syncBuiltinESMExports();
      vi.useRealTimers();
    }
  });

  it("drops and counts new lines where there is no room, or lets requests wait", async () => {
    const onError = vi.fn<(error: Error) => void>();
    const dropping = logFile("/dev/full", { maxPendingBytes: 10, onError });
    dropping.write("1234\n");
    dropping.write("5678\n");
    await dropping.flush();
    expect(dropping.ready()).toBeUndefined();
    dropping.write("9\n");
    expect(dropping.droppedLines).toBe(1);
    await dropping.close();
    const waiting = logFile(path, { maxPendingBytes: 10, overflow: "wait" });
    waiting.write("12345\n");
    expect(waiting.ready()).toBeUndefined();
    waiting.write("67890\n");
    const room = waiting.ready();
    expect(room).toBeInstanceOf(Promise);
    expect(waiting.ready()).toBe(room);
    await waiting.flush();
    await room;
    expect([waiting.ready(), waiting.droppedLines, read()]).toEqual([undefined, 0, "12345\n67890\n"]);
    await waiting.close();
  });

  it("goes to standard error by default, on one line", async () => {
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const log = logFile("/dev/full");
    log.write("one\n");
    await log.close();
    expect(write.mock.calls.map(([text]) => text)).toEqual(["access log /dev/full: ENOSPC: no space left on device, write\n"]);
  });

  it("may be told to one who fails himself", async () => {
    const log = logFile("/dev/full", {
      onError() {
        throw new Error("not me");
      },
    });
    log.write("one\n");
    await log.close();
    expect(log.droppedLines).toBe(1);
  });
});
