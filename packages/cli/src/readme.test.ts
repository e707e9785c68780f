import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures } from "./testing/command.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

/** The blocks of code of a language. */
function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(([, code = ""]) => code);
}

/** A configuration of nginx around servers, for a process that may write where it is started only. */
function wholeOf(servers: string): string {
  const folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`).join("\n");
  return `pid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n${folders}\n${servers}\n}\n`;
}

describe("the README", () => {
  it("has an example that serves with several workers, is reloaded, and ends", async () => {
    const [application = ""] = blocks("js");
    const [, commands = ""] = blocks("sh");
    expect(commands).toContain(
      "npx gateway --workers 4 --bind 127.0.0.1:8000 app.js\ngateway: listening on http://127.0.0.1:8000 (press Ctrl+C to stop)\n",
    );
    await using fixtures = await Fixtures.make({ "app.js": application, "package.json": '{ "type": "module" }' });
    const { directory } = fixtures;
    await using command = Command.start(["-w", "2", "--bind", "127.0.0.1:0", "app.js"], directory);
    const url = await command.url();
    expect(await (await fetch(`${url}/world`, { headers: { Connection: "close" } })).text()).toBe("Hello from /world\n");
    const ctl = (...words: string[]): ReturnType<typeof Command.run> => Command.run(["ctl", ...words], directory);
    await vi.waitUntil(async () => (await ctl("status")).stdout.includes("2 of 2 ready"), 20_000);
    expect(await ctl("reload")).toMatchObject({ code: 0, stdout: "reloaded: 2 workers of generation 2\n" });
    command.process.kill("SIGINT");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("has a configuration that nginx takes", async () => {
    const [servers = ""] = blocks("nginx");
    await using fixtures = await Fixtures.make({ "nginx.conf": wholeOf(servers.replace("listen 80;", "listen unix:front.sock;")) });
    const { directory } = fixtures;
    expect(() => execFileSync("nginx", ["-t", "-p", directory, "-c", `${directory}/nginx.conf`], { stdio: "pipe" })).not.toThrow();
  });

  it("has one for FastCGI, by which requests arrive with their paths", async () => {
    const location = blocks("nginx").find((code) => code.includes("fastcgi_pass")) ?? "";
    const [, line = ""] = /^`npx gateway (--protocol fastcgi .*)`, and in nginx:$/m.exec(readme) ?? [];
    expect([line, location]).toEqual([expect.stringContaining("127.0.0.1:9000"), expect.stringContaining(" 127.0.0.1:9000;")]);
    const app = `export default ({ SCRIPT_NAME, PATH_INFO, QUERY_STRING }, startResponse) => {
      startResponse("200 OK", [["Content-Type", "application/json"]]);
      return [Buffer.from(JSON.stringify([SCRIPT_NAME, PATH_INFO, QUERY_STRING]))];
    };`;
    await using fixtures = await Fixtures.make({ "app.js": app, "package.json": '{ "type": "module" }' });
    const { directory } = fixtures;
    await using command = Command.start(line.replace(":9000", ":0").split(" "), directory);
    const [, address = ""] = await command.said("stdout", /listening on (\S+) for fastcgi/);
    await copyFile("/etc/nginx/fastcgi_params", `${directory}/fastcgi_params`);
    const server = `server {\nlisten unix:front.sock;\n${location.replace("127.0.0.1:9000", address)}}`;
    await writeFile(`${directory}/nginx.conf`, wholeOf(server));
    const nginx = spawn("nginx", ["-p", directory, "-c", `${directory}/nginx.conf`, "-g", "daemon off;"], {
      cwd: directory,
      stdio: "ignore",
    });
    try {
      const ask = (path: string): Promise<string> =>
        new Promise((resolve, reject) => {
          get({ socketPath: `${directory}/front.sock`, path, agent: false }, (response) => resolve(text(response))).on(
            "error",
            reject,
          );
        });
      await vi.waitUntil(async () => (await ask("/").catch(() => "")) !== "", 20_000);
      expect(JSON.parse(await ask("/a%20b/c?d=1"))).toEqual(["", "/a b/c", "d=1"]);
    } finally {
      nginx.kill();
      await once(nginx, "close");
    }
  });

  it("has an application whose streams end when the worker is to stop", async () => {
    const greets = blocks("js").find((code) => code.includes("export const drain")) ?? "";
    await using fixtures = await Fixtures.make({ "app.mjs": greets, "greeting.txt": "Hello\n" });
    const { directory } = fixtures;
    await using command = Command.start(["-b", "127.0.0.1:0", "--no-control-socket", "app.mjs"], directory);
    const url = await command.url();
    const response = await new Promise<IncomingMessage>((resolve, reject) =>
      get(url, { agent: false }, resolve).on("error", reject),
    );
    await once(response, "readable");
    command.process.kill("SIGTERM");
    expect(await text(response)).toMatch(/^(?:Hello\n)+$/);
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(`${directory}/count.txt`, "utf8")).toBe("1 requests\n");
  });

  it("names every metric, and none that is not", () => {
    const [, section = ""] = readme.split("## Metrics and health");
    const [named = ""] = section.split("\n## ");
    const source = readFileSync(new URL("metrics/metrics-text.ts", import.meta.url), "utf8");
    const made = [...source.matchAll(/page\.(gauge|counter|histogram)\(\s*"(\w+)"/g)].map(
      ([, kind, name = ""]) => `${name}${kind === "counter" ? "_total" : ""}`,
    );
    expect(made.length).toBeGreaterThan(20);
    const shown = [...named.matchAll(/`((?:http|nodejs|process|v8js|gateway)_\w+)`/g)].map(([, name = ""]) => name);
    expect(shown.toSorted()).toEqual(made.toSorted());
  });

  it("names every command of gateway ctl, and every signal", async () => {
    const [, section = ""] = readme.split("## Signals");
    const [table = ""] = section.split("\n## ");
    await using fixtures = await Fixtures.make({});
    const { stdout } = await Command.run(["ctl", "--help"], fixtures.directory);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = ""]) => name);
    expect(commands).toContain("reload");
    for (const command of commands) expect(table).toContain(`\`${command === "status" ? "gateway ctl status" : command}`);
    const manager = readFileSync(new URL("manager/manager-signals.ts", import.meta.url), "utf8");
    for (const [, signal = ""] of manager.matchAll(/"SIG([A-Z0-9]+)"/g))
      expect(table).toMatch(new RegExp(`^\\| [A-Z0-9, ]*${signal}`, "m"));
  });
});
