import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { dirname } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Command, Fixtures, hello } from "../testing/command.ts";

let fixtures: Fixtures | undefined;
afterEach(() => fixtures?.[Symbol.asyncDispose]());

async function start(files: Readonly<Record<string, string>>, ...args: string[]): Promise<Command> {
  fixtures = await Fixtures.make(files);
  return Command.start(["-b", "127.0.0.1:0", "--no-control-socket", ...args], fixtures.directory);
}

/** Writes a file until the command says so: a watch may begin a little later than the command serves. */
async function write(command: Command, file: string, text: string, said: RegExp): Promise<void> {
  const path = `${fixtures?.directory}/${file}`;
  const before = command.stdout.length;
  let version = 0;
  const save = async (): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `${text}// ${version++}\n`);
  };
  await save();
  const again = setInterval(() => void save(), 2000);
  try {
    await command.said("stdout", new RegExp(`[^]{${before}}[^]*${said.source}`));
  } finally {
    clearInterval(again);
  }
}

const changed = /reload: .* changed/;
const reloaded = /reloaded: \d workers? of generation \d/;
const browser = { Accept: "text/html,*/*;q=0.8" };

/** On a connection of its own: one that is kept may lead to a worker that is about to go. */
function ask(url: string, headers: Record<string, string> = browser, method = "GET"): Promise<[status: number, text: string]> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () => resolve([response.statusCode ?? 0, text]));
    });
    asked.on("error", reject).end();
  });
}

describe("gateway --reload, when the first boot fails", () => {
  it.each([
    ["a syntax error", { "app.mjs": "export default = 1;\n" }, "app.mjs", "Unexpected token &#39;=&#39;|Unexpected token '='"],
    ["a module that throws", { "app.mjs": 'throw new Error("no database");\n' }, "app.mjs", "no database"],
    [
      "a process that ends",
      { "app.mjs": "process.exit(3);\n" },
      "app.mjs",
      "the worker ended before it was ready: exit status 3: the application called process\\.exit\\(3\\)",
    ],
    [
      "a startup that hangs",
      { "app.mjs": `export const startup = () => new Promise(() => {});\n${hello}` },
      "app.mjs",
      "startup\\(\\) of the application did not finish within --boot-timeout \\(5s\\)",
    ],
    ["a file that is not there yet", {}, "app.mjs", "there is no module app"],
    ["a folder that is not there yet", {}, "dist/app.mjs", "there is no module dist/app"],
  ])("answers with the error for %s, and serves when it is mended", async (_what, files, target, why) => {
    await using command = await start(files, "--reload", "--boot-timeout", "5s", target.replace(".mjs", ""));
    const url = await command.url();
    for (const answer of [ask(`${url}/any/where`), ask(url, {}), ask(url, browser, "POST"), ask(url, { Accept: "text/plain" })]) {
      expect(await answer).toEqual([500, expect.stringMatching(why) as unknown]);
    }
    expect(command.stdout).toMatch(/whoever asks is shown why, until a file changes and it boots\n/);

    await write(command, target, hello, reloaded);
    expect(await ask(`${url}/x`)).toEqual([200, "Hello from /x\n"]);
    command.process.kill("SIGTERM");
    expect((await command.ended).code).toBe(0);
  });

  it("shows the newest error, and watches what was imported and what was missing", async () => {
    const app = 'import "./one.mjs";\nimport "./two.mjs";\nexport { default } from "./hello.mjs";\n';
    await using command = await start(
      { "app.mjs": app, "one.mjs": "const one = (1;\n", "hello.mjs": hello },
      "--reload",
      "-w",
      "2",
      "app.mjs",
    );
    const url = await command.url();
    const page = async (): Promise<string> => (await ask(url))[1];
    await command.said("stderr", /failed|cannot load/);
    await write(command, "two.mjs", "const two = (2;\n", changed);
    await command.said("stderr", /the reload was given up/);
    expect(await page()).toMatch(/SyntaxError/);
    await write(command, "two.mjs", "", changed);
    await write(command, "one.mjs", 'throw new Error("no table");\n', changed);
    await command.said("stderr", /no table/);
    expect(await page()).toContain("no table");
    await write(command, "one.mjs", "", reloaded);
    expect(await page()).toBe("Hello from /\n");
  });

  it("still ends for what no change of a file would mend", async () => {
    await using command = await start({ "app.mjs": hello }, "--reload", "app.mjs:");
    expect(await command.ended).toMatchObject({
      code: 1,
      stdout: "",
      stderr: 'gateway: no export is named after the colon of "app.mjs:"\n',
    });
    await using other = await start({ "app.mjs": hello }, "--reload", "--group", "there-is-no-such-group", "app.mjs");
    const { code, stderr } = await other.ended;
    expect(stderr).toMatch(/^gateway: cannot become "there-is-no-such-group": .*\n/);
    expect(code).toBe(1);
  });
});

describe("gateway without --reload, when the first boot fails", () => {
  it.each([
    [
      "a syntax error",
      "export default = 1;\n",
      /^gateway: app\.mjs failed while it was loaded\nfile:\/\/\/.*\/app\.mjs:1\nexport default = 1;\n {15}\^\nSyntaxError: /,
    ],
    [
      "a module that throws",
      'throw new Error("no database");\n',
      /^gateway: app\.mjs failed while it was loaded\nError: no database\n/,
    ],
  ])("ends with 1 for %s, and says why", async (_what, code, why) => {
    await using command = await start({ "app.mjs": code }, "app.mjs");
    const ended = await command.ended;
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(why);
  });
});
