import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { findProgram, hasProgram } from "./find-program.ts";
import { startProgram, type ProgramOptions } from "./start-program.ts";

/** A program of a few lines of JavaScript. */
const script = (source: string, options: Partial<ProgramOptions> = {}): ProgramOptions => ({
  program: process.execPath,
  args: () => ["-e", source],
  ready: { output: "ready" },
  ...options,
});

/** Whether it runs. (One that was killed may stand in the table of processes until the system clears it away.) */
const isThere = (pid: number): boolean => {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
};

describe("findProgram", () => {
  it("finds what is on the PATH or in the usual folders", () => {
    expect(findProgram("sh")).toMatch(/^\/.*\/sh$/);
    expect(findProgram(process.execPath)).toBe(process.execPath);
    expect(hasProgram("sh")).toBe(true);
  });

  it("finds nothing that is not there, is a folder, or may not be executed", () => {
    expect(findProgram("no-such-program-at-all")).toBeUndefined();
    expect(findProgram("/")).toBeUndefined();
    expect(findProgram(import.meta.filename)).toBeUndefined();
    expect(hasProgram("no-such-program-at-all")).toBe(false);
  });
});

describe("startProgram", () => {
  const stays = "setInterval(() => {}, 1e6)";

  it("is ready when the text was written, in whatever pieces, and removes its folder with the end", async () => {
    const program = await startProgram(
      script(`process.stdout.write("rea"); setImmediate(() => process.stdout.write("dy")); ${stays}`),
    );
    expect(program.output).toBe("ready");
    const { pid, folder } = program;
    expect(isThere(pid!)).toBe(true);
    expect(existsSync(folder)).toBe(true);
    await program.stop();
    expect(isThere(pid!)).toBe(false);
    expect(existsSync(folder)).toBe(false);
    expect(program.pid).toBeUndefined();
  });

  it("is ready when it takes connections", async () => {
    const source = `setImmediate(() => require("net").createServer((s) => s.end()).listen("here.sock"))`;
    await using program = await startProgram(script(source, { ready: ({ folder }) => ({ path: join(folder, "here.sock") }) }));
    const socket = connect(join(program.folder, "here.sock"));
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.destroy();
  });

  it("prepares the folder once, and keeps it over a kill and a restart", async () => {
    const options = script(`require("fs").appendFileSync("starts", "+"); console.log("ready"); ${stays}`, {
      prepare: async ({ folder }, run) => {
        await run(process.execPath, ["-e", `require("fs").appendFileSync("starts", "prepared")`]);
        mkdirSync(join(folder, "data"));
      },
    });
    await using program = await startProgram(options);
    const starts = (): string => readFileSync(join(program.folder, "starts"), "utf8");
    expect(starts()).toBe("prepared+");
    await program.kill();
    expect(program.pid).toBeUndefined();
    await program.kill();
    await program.restart();
    expect(starts()).toBe("prepared++");
    await program.restart();
    expect(starts()).toBe("prepared+++");
  });

  it("kills what the program has started too", async () => {
    const child = `console.log("child " + process.pid); console.log("ready"); ${stays}`;
    const source = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], { stdio: "inherit" }); ${stays}`;
    await using program = await startProgram(script(source));
    const pid = Number(/child (\d+)/.exec(program.output)?.[1]);
    expect(isThere(pid)).toBe(true);
    await program.kill();
    // Whoever inherits the dead may take a moment to bury them.
    await expect.poll(() => isThere(pid), { timeout: 20_000 }).toBe(false);
  });

  it("rejects with what the program wrote when it ends too early, and leaves nothing behind", async () => {
    let folder = "";
    const options = script("", {
      args: (place) => {
        ({ folder } = place);
        return ["-e", `console.error("no room"); process.exitCode = 3`];
      },
    });
    await expect(startProgram(options)).rejects.toThrow(/ended with 3 before it was ready:\nno room/);
    expect(folder).not.toBe("");
    expect(existsSync(folder)).toBe(false);
  });

  it("rejects with what a preparing program wrote", async () => {
    const options = script(stays, {
      prepare: async (_, run) => void (await run(process.execPath, ["-e", `console.log("cannot"); process.exitCode = 4`])),
    });
    await expect(startProgram(options)).rejects.toThrow(/ended with 4:\ncannot/);
  });

  it("rejects what is not ready in time", async () => {
    const options = script(`console.log("still busy " + process.pid); ${stays}`, { readyWithinMs: 1 });
    const error: unknown = await startProgram(options).catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/was not ready after 1 ms/);
  });

  it("kills what does not stop in time, and says so", async () => {
    const source = `process.on("SIGTERM", () => {}); console.log("ready"); ${stays}`;
    const program = await startProgram(script(source, { stopWithinMs: 1 }));
    const { pid, folder } = program;
    await expect(program.stop()).rejects.toThrow(/was killed, since it did not stop within 1 ms/);
    expect(existsSync(folder)).toBe(false);
    await vi.waitUntil(() => !isThere(pid!));
  });

  it("rejects a program that is not there", async () => {
    await expect(startProgram({ ...script(""), program: "no-such-program-at-all" })).rejects.toThrow(
      "no program no-such-program-at-all",
    );
  });

  it("hands no variables of this process on", async () => {
    process.env["GATEWAY_PROGRAM_SECRET"] = "hidden";
    const source = `console.log(JSON.stringify(process.env) + " ready"); ${stays}`;
    await using program = await startProgram(script(source, { env: { GIVEN: "shown" } }));
    delete process.env["GATEWAY_PROGRAM_SECRET"];
    expect(program.output).not.toContain("hidden");
    expect(program.output).toContain('"GIVEN":"shown"');
  });

  it("leaves nothing behind when the process of the test ends", async () => {
    const inner = script(`console.log("ready"); ${stays}`);
    const source = `
      import { startProgram } from ${JSON.stringify(new URL("../../dist/programs.js", import.meta.url).href)};
      const args = () => ["-e", ${JSON.stringify(inner.args({ folder: "" })[1])}];
      const { pid, folder } = await startProgram({ program: process.execPath, args, ready: { output: "ready" } });
      process.stdout.write(JSON.stringify({ pid, folder }), () => process.exit());`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", source]);
    const { pid, folder } = JSON.parse(stdout) as { pid: number; folder: string };
    expect(existsSync(folder)).toBe(false);
    await vi.waitUntil(() => !isThere(pid));
  });
});
