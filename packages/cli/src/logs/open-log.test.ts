import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { testModule } from "../testing/test-module.ts";
import { openLog } from "./open-log.ts";

let folder: string;
let path: string;
let files = 0;
/** The built log, for processes of their own. */
let built: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-log-"));
  built = testModule("logs/open-log.ts", folder);
});
beforeEach(() => {
  path = join(folder, `${files++}.log`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const read = (): string => readFileSync(path, "latin1");

/** Code for a process that has `openLog` and `args`. */
function moduleArguments(code: string, args: readonly string[]): string[] {
  const source = `import { openLog } from ${JSON.stringify(built)};\nconst args = process.argv.slice(1);\n${code}`;
  return ["--input-type=module", "-e", source, "--", ...args];
}

describe("openLog", () => {
  it("writes what comes in one turn together, and whole", async () => {
    const log = openLog(path);
    log.write("one\n");
    log.write("two\n");
    expect(read()).toBe("");
    await log.flush();
    expect(read()).toBe("one\ntwo\n");
    await log.close();
  });

  it("creates a file with the mode that is asked for", async () => {
    await openLog(path, { mode: 0o600 }).close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("throws where a path cannot be opened", () => {
    expect(() => openLog(join(folder, "missing", "x.log"))).toThrow(/ENOENT/);
    expect(() => openLog(folder)).toThrow(/EISDIR/);
  });

  it("writes nothing to the old file once it was opened anew, and loses nothing", async () => {
    const log = openLog(path);
    const lines: string[] = [];
    const old: string[] = [];
    for (let rotation = 0; rotation < 20; rotation++) {
      for (let i = 0; i < 500; i++) {
        const line = `${rotation} ${i} ${"x".repeat(i)}\n`;
        lines.push(line);
        log.write(line);
        if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      renameSync(path, `${path}.${rotation}`);
      await log.reopen();
      const size = statSync(`${path}.${rotation}`).size;
      log.write("after\n");
      lines.push("after\n");
      await log.flush();
      expect(statSync(`${path}.${rotation}`).size).toBe(size);
      old.push(readFileSync(`${path}.${rotation}`, "latin1"));
    }
    await log.close();
    expect(old.join("") + read()).toBe(lines.join(""));
  });

  it("keeps the old file where the new one cannot be opened, and says so once", async () => {
    const onError = vi.fn<(error: Error) => void>();
    const log = openLog(path, { onError });
    renameSync(path, `${path}.1`);
    mkdirSync(path);
    await log.reopen();
    await log.reopen();
    log.write("kept\n");
    await log.flush();
    expect(readFileSync(`${path}.1`, "latin1")).toBe("kept\n");
    expect(onError).toHaveBeenCalledOnce();
    await log.close();
  });

  it.runIf(process.getuid?.() === 0)("gives the file to who shall own it, also when it is opened anew", async () => {
    const log = openLog(path, { owner: { uid: 65_534, gid: 65_534 } });
    expect(statSync(path).uid).toBe(65_534);
    renameSync(path, `${path}.1`);
    await log.reopen();
    expect(statSync(path).uid).toBe(65_534);
    await log.close();
  });

  it("tears no line of four processes that write one file", { timeout: 300_000 }, async () => {
    const count = process.env["GATEWAY_LONG"] === "1" ? 50_000 : 5000;
    const code = `const [path, writer, count] = args;
      const log = openLog(path, { maxPendingBytes: 2 ** 30 });
      for (let i = 0; i < Number(count); i++) {
        // Most are short; every thousandth is longer than a batch.
        const length = i % 1000 === 7 ? 70_000 + i : (i * 7919) % 900;
        log.write(writer + " " + i + " " + length + " " + writer.repeat(length) + "\\n");
        if (i % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await log.close();`;
    const writers = ["a", "b", "c", "d"];
    const ended = writers.map(async (writer) => {
      const child = spawn(process.execPath, moduleArguments(code, [path, writer, String(count)]), {
        stdio: ["ignore", "ignore", "inherit"],
      });
      const [status] = (await once(child, "exit")) as [number | null];
      return status;
    });
    expect(await Promise.all(ended)).toEqual([0, 0, 0, 0]);
    const next = new Map(writers.map((writer) => [writer, 0]));
    let torn = 0;
    for (const line of read().trimEnd().split("\n")) {
      const [, writer = "", index, length, text = ""] = /^([a-d]) (\d+) (\d+) (.*)$/.exec(line) ?? [];
      const isWhole = text.length === Number(length) && text === writer.repeat(text.length) && Number(index) === next.get(writer);
      if (!isWhole) torn++;
      next.set(writer, Number(index) + 1);
    }
    expect(torn).toBe(0);
    expect([...next.values()]).toEqual(writers.map(() => count));
  });

  it("loses no line of four processes whose file is rotated under them", { timeout: 300_000 }, async () => {
    const rotations = process.env["GATEWAY_LONG"] === "1" ? 100 : 10;
    const code = `const log = openLog(args[0]);
      let i = 0;
      let isOver = false;
      process.on("message", async (message) => {
        if (message === "end") return void (isOver = true);
        await log.reopen();
        process.send("done");
      });
      while (!isOver) {
        for (let n = 0; n < 50; n++) log.write(args[1] + " " + i++ + "\\n");
        await new Promise((resolve) => setTimeout(resolve));
      }
      await log.close();
      console.log(i);
      process.disconnect();`;
    const writers = ["a", "b", "c", "d"].map((writer) => {
      const child = spawn(process.execPath, moduleArguments(code, [path, writer]), { stdio: ["ignore", "pipe", "inherit", "ipc"] });
      let output = "";
      child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
      return { writer, child, closed: once(child, "close"), count: () => Number(output) };
    });
    const rotated: string[] = [];
    for (let rotation = 0; rotation < rotations; rotation++) {
      while (!existsSync(path) || statSync(path).size < 10_000) await new Promise((resolve) => setImmediate(resolve));
      const old = `${path}.${rotation}`;
      renameSync(path, old);
      const reopened = writers.map(({ child }) => once(child, "message"));
      for (const { child } of writers) child.send("reopen");
      await Promise.all(reopened);
      rotated.push(readFileSync(old, "latin1"));
    }
    for (const { child } of writers) child.send("end");
    await Promise.all(writers.map(({ closed }) => closed));
    // What was read as soon as all had opened it anew is what is in it now.
    for (const [rotation, text] of rotated.entries()) expect(statSync(`${path}.${rotation}`).size).toBe(text.length);
    const next = new Map(writers.map(({ writer }) => [writer, 0]));
    for (const line of (rotated.join("") + read()).trimEnd().split("\n")) {
      const [writer = "", index] = line.split(" ");
      if (Number(index) !== next.get(writer)) expect.fail(`${line} is out of order`);
      next.set(writer, Number(index) + 1);
    }
    expect([...next.values()]).toEqual(writers.map(({ count }) => count()));
  });

  it("tears no line of four processes that share one pipe", { timeout: 120_000 }, async () => {
    const count = 3000;
    const code = `const log = openLog("-", { maxPendingBytes: 2 ** 30 });
      for (let i = 0; i < ${count}; i++) {
        log.write(args[0] + " " + i + " " + args[0].repeat(i % 3000) + ".\\n");
        if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await log.close();`;
    const quoted = (writer: string): string =>
      moduleArguments(code, [writer])
        .map((text) => `'${text.replaceAll("'", `'\\''`)}'`)
        .join(" ");
    // A pipe of the shell: what Node makes for its children are sockets.
    const script = `{ ${["a", "b", "c", "d"].map((writer) => `'${process.execPath}' ${quoted(writer)} &`).join(" ")} wait; } | cat`;
    const shell = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    for await (const chunk of shell.stdout) chunks.push(chunk as Buffer);
    const lines = Buffer.concat(chunks).toString("latin1").trimEnd().split("\n");
    expect(lines).toHaveLength(4 * count);
    expect(lines.filter((line) => !/^([a-d]) \d+ \1*\.$/.test(line))).toEqual([]);
  });

  it("writes what is left when the process exits at once", () => {
    const code = 'const log = openLog(args[0]); log.write("last\\n"); process.exit(3);';
    expect(spawnSync(process.execPath, moduleArguments(code, [path])).status).toBe(3);
    expect(read()).toBe("last\n");
    const output = spawnSync(process.execPath, moduleArguments(code, ["-"]));
    expect([output.status, output.stdout.toString()]).toEqual([3, "last\n"]);
  });

  it("goes on behind a full disk, and tears nothing but the line that filled it", async () => {
    // The limit of the size of a file stands for the disk: the process gets a short write, then an error.
    const code = `const log = openLog(args[0], { onError: (error) => console.log(error.code) });
      const line = "y".repeat(99) + "\\n";
      for (let i = 0; i < 120; i++) log.write(line);
      await log.flush();
      process.once("message", async () => {
        for (let i = 0; i < 10; i++) log.write("z\\n");
        await log.close();
        console.log("closed", log.droppedLines);
        process.disconnect();
      });
      process.send("full");`;
    const quoted = moduleArguments(code, [path])
      .map((text) => `'${text.replaceAll("'", `'\\''`)}'`)
      .join(" ");
    const child = spawn("sh", ["-c", `ulimit -f 16; exec '${process.execPath}' ${quoted}`], {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
    });
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await once(child, "message");
    const full = statSync(path).size;
    expect(full).toBe(8192);
    truncateSync(path, 0);
    child.send("go on");
    await once(child, "close");
    expect(output).toBe("EFBIG\nclosed 0\n");
    expect(read().endsWith(`${"y".repeat(99)}\nz\nz\nz\nz\nz\nz\nz\nz\nz\nz\n`)).toBe(true);
    expect(full + statSync(path).size).toBe(120 * 100 + 20);
  });

  it("neither fails nor spins when a device is full or nobody reads any more", async () => {
    const code = `import fs from "node:fs";
      import { syncBuiltinESMExports } from "node:module";
      const told = [];
      const log = openLog(args[0], { maxPendingBytes: 1000, onError: (error) => told.push(error.code ?? error.message) });
      process.stdin.on("data", async () => {
        for (let i = 0; i < 200; i++) {
          log.write("lost lost\\n");
          if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve));
        }
        let attempts = 0;
        const { writeSync } = fs;
        fs.writeSync = (...args) => (attempts++, writeSync(...args));
        syncBuiltinESMExports();
        for (let i = 0; i < 1000; i++) await new Promise((resolve) => setImmediate(resolve));
        const spins = attempts > 10;
        await log.close();
        console.error(JSON.stringify({ told, dropped: log.droppedLines, spins }));
        process.exit(0);
      });
      console.error("started");`;
    for (const target of ["-", "/dev/full"]) {
      const child = spawn("sh", ["-c", `'${process.execPath}' "$@" | :`, "sh", ...moduleArguments(code, [target])], {
        stdio: ["pipe", "ignore", "pipe"],
      });
      let output = "";
      child.stderr.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        // The reader of the pipe ended long before.
        if (output.endsWith("started\n")) child.stdin.write("go\n");
      });
      await once(child, "close");
      const said = JSON.parse(output.slice("started\n".length)) as { told: string[]; dropped: number; spins: boolean };
      expect(said).toMatchObject({ told: [target === "-" ? "EPIPE" : "ENOSPC"], spins: false });
      expect(said.dropped).toBeGreaterThan(90);
    }
  });

  it("does not wait at the end for a reader that has stopped to read", async () => {
    const code = `const log = openLog("-");
      for (let i = 0; i < 500; i++) log.write("w".repeat(999) + "\\n");
      process.on("exit", () => console.error("exits"));`;
    const child = spawn("sh", ["-c", `'${process.execPath}' "$@" | { read go <&3; }`, "sh", ...moduleArguments(code, [])], {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
    });
    const [, , errorOutput, go] = child.stdio;
    await once(errorOutput as Readable, "data");
    // Until now nobody has read.
    if (go !== null && go !== undefined && "end" in go) go.end("go\n");
    const [status] = (await once(child, "close")) as [number | null];
    expect(status).toBe(0);
  });

  it("waits for a slow reader, drops what is too much, and blocks nobody", async () => {
    const code = `let told = 0;
      const log = openLog("-", { maxPendingBytes: 200_000, onError: () => told++ });
      const line = "w".repeat(999) + "\\n";
      for (let i = 0; i < 2000; i++) { log.write(line); if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve)); }
      const dropped = log.droppedLines;
      console.error(dropped);
      await log.flush();
      log.write("end\\n");
      await log.close();
      console.error(told);`;
    const child = spawn("sh", ["-c", `'${process.execPath}' "$@" | { read go <&3; cat; }`, "sh", ...moduleArguments(code, [])], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const [, output, errorOutput, go] = child.stdio;
    let errors = "";
    errorOutput?.on("data", (chunk: Buffer) => {
      // It came here though nobody has read: it was not blocked.
      if (errors === "" && go !== null && go !== undefined && "end" in go) go.end("go\n");
      errors += chunk.toString();
    });
    const chunks: Buffer[] = [];
    for await (const chunk of output as Readable) chunks.push(chunk as Buffer);
    await once(child, "close");
    const lines = Buffer.concat(chunks).toString("latin1").trimEnd().split("\n");
    const [dropped = 0, told] = errors.trim().split("\n").map(Number);
    expect(dropped).toBeGreaterThan(1500);
    expect(told).toBe(1);
    expect(lines.at(-1)).toBe("end");
    expect(lines).toHaveLength(2000 - dropped + 1);
    expect(lines.slice(0, -1).every((line) => line === "w".repeat(999))).toBe(true);
  });

  it("writes to a named pipe, and reads it anew", async () => {
    expect(spawnSync("mkfifo", [path]).status).toBe(0);
    expect(() => openLog(path)).toThrow(/ENXIO/);
    const reader = spawn("cat", [path], { stdio: ["ignore", "pipe", "inherit"] });
    let log: ReturnType<typeof openLog> | undefined;
    while (log === undefined) {
      // Until cat has opened it.
      try {
        log = openLog(path);
      } catch {
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    log.write("one\n");
    await log.reopen();
    log.write("two\n");
    await log.close();
    const chunks: Buffer[] = [];
    for await (const chunk of reader.stdout) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe("one\ntwo\n");
  });

  it("leaves no descriptor and no listener behind", async () => {
    const descriptors = (): number => (existsSync("/proc/self/fd") ? readdirSync("/proc/self/fd").length : 0);
    const before = [descriptors(), process.listenerCount("exit")];
    for (const target of [path, "-", "/dev/null"]) {
      const log = openLog(target, { onError() {} });
      await log.reopen();
      await log.close();
      log.write("dropped\n");
      expect(log.droppedLines).toBe(1);
    }
    expect([descriptors(), process.listenerCount("exit")]).toEqual(before);
  });
});
