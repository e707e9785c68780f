import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { isHTTPError, type Application, type Environ } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { buildEnviron } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { staticFiles } from "./index.ts";
import { campaignTimeout, scaled, seededRandom } from "@gateway/testing/campaign";
import { collect } from "./test-collect.ts";
import { enclosure, secret, type Enclosure } from "./test-outside.ts";
import { checked, inner, testFolder } from "./test-site.ts";
import { randomTarget } from "./test-targets.ts";

const canMakeSpecialFiles = process.platform !== "win32";

/** A clock on which everything is forgotten from one request to the next. */
function forgetful(): () => number {
  let time = 1_800_000_000_000;
  return () => (time += 1001);
}

/** What is wrong with an answer, if anything. */
function complaint(status: number, body: string, { contents }: Enclosure): string | undefined {
  if (body.includes(secret)) return "the secret";
  if (status >= 500) return `status ${status}`;
  if (status === 200 && !contents.has(body)) return `other content: ${JSON.stringify(body.slice(0, 100))}`;
  return undefined;
}

/** The environ of a target; `undefined` where a gateway answers 400. */
function environOf(target: string): Environ | undefined {
  try {
    return buildEnviron({ target });
  } catch (error) {
    if (isHTTPError(error)) return undefined;
    throw error;
  }
}

/** Would a server take it at all? Without octets that end it, and an absolute one with a host as it must be. */
function isTarget(target: string): boolean {
  return /^[!-"$-~\x80-\xff]+$/.test(target) && (target.startsWith("/") || /^http:\/\/localhost(?:[/?]|$)/.test(target));
}

describe.skipIf(!canMakeSpecialFiles)("what is asked for outside the root", () => {
  it.each([
    ["remembered", Date.now, undefined],
    ["looked up each time", forgetful(), 0],
  ] as const)(
    "is never served, and nothing waits or fails, files being %s",
    async (_name, now, maxCacheBytes) => {
      await using place = await enclosure();
      const app = checked(
        staticFiles(place.root, {
          now,
          extensions: ["txt"],
          manifest: "ignore",
          ...(maxCacheBytes !== undefined && { maxCacheBytes }),
        }),
      );
      const random = seededRandom(1);
      const wrong: unknown[] = [];
      const statuses = new Map<string, number>();
      const count = scaled(500_000);
      for (let i = 0; i < count; i++) {
        const target = randomTarget(random, place.names);
        let environ: Environ | undefined;
        try {
          environ = environOf(target);
        } catch {
          // The target is no HTTP: nobody makes an environ of it.
        }
        if (environ === undefined || !isTarget(target) || !environ.PATH_INFO.startsWith("/")) continue;
        environ.QUERY_STRING = environ.QUERY_STRING.replaceAll("#", "");
        const answered = collect(app, environ);
        const { status, body } = answered instanceof Promise ? await answered : answered;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const problem = complaint(Number(status.slice(0, 3)), body.toString("utf8"), place);
        if (problem !== undefined) wrong.push([target, problem]);
      }
      expect(wrong.slice(0, 5)).toEqual([]);
      // The campaign is worth something: files are found, and folders, and most is not.
      for (const status of ["200 OK", "301 Moved Permanently", "404 Not Found"])
        expect([status, statuses.get(status) ?? 0]).toEqual([status, expect.toSatisfy((times: number) => times > count / 1000)]);
    },
    campaignTimeout,
  );

  it(
    "is not served over a connection either",
    async () => {
      await using place = await enclosure();
      const server = makeServer("127.0.0.1", 0, checked(staticFiles(place.root, { manifest: "ignore" })), { shutdownSeconds: 1 });
      const address = await server.listen();
      const serving = server.serveForever();
      try {
        const port = address.kind === "tcp" ? address.port : 0;
        const random = seededRandom(2);
        const wrong: unknown[] = [];
        let answers = 0;
        for (let i = 0; i < scaled(20_000); i += 20) {
          const targets = Array.from({ length: 20 }, () => randomTarget(random, place.names));
          await Promise.all(
            targets.map(async (target) => {
              const text = await ask(port, target);
              const status = Number(text.slice(9, 12));
              answers++;
              const body = text.slice(text.indexOf("\r\n\r\n") + 4);
              const problem = complaint(status, Buffer.from(body, "latin1").toString("utf8"), place);
              if (problem !== undefined && status !== 505) wrong.push([target, problem]);
            }),
          );
        }
        expect(wrong.slice(0, 5)).toEqual([]);
        expect(answers).toBe(scaled(20_000));
      } finally {
        await server.shutdown();
        await serving;
      }
    },
    campaignTimeout,
  );
});

async function ask(port: number, target: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(Buffer.from(`GET ${target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n`, "latin1"));
  let text = "";
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString("latin1");
  return text;
}

/** Another process that does something to the files over and over, until it is stopped. */
class Rival implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** @param script of JavaScript; `fs` and `folder` are there, and `turn` counts. It is run again and again. */
  static async start(folder: string, script: string): Promise<Rival> {
    const program = `
      const fs = require("node:fs");
      process.chdir(${JSON.stringify(folder)});
      let turn = 0;
      const act = () => { ${script} };
      const spin = () => { for (let i = 0; i < 200; i++, turn++) act(); setImmediate(spin); };
      act();
      process.send("ready");
      process.on("disconnect", () => process.exit());
      spin();`;
    const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    await once(child, "message");
    return new Rival(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

async function askOften(
  app: Application,
  target: string,
  times: number,
  look: (status: number, body: Buffer, length: number, outcome: string) => void,
): Promise<void> {
  for (let i = 0; i < times; i++) {
    const answered = collect(app, buildEnviron({ target }));
    const { status, body, headers, outcome } = answered instanceof Promise ? await answered : answered;
    look(Number(status.slice(0, 3)), body, Number(headers.find(([name]) => name === "Content-Length")?.[1]), outcome);
  }
}

describe.skipIf(!canMakeSpecialFiles)("what another process changes between a look and an opening", () => {
  it.each([
    ["a link", "/swap", `fs.symlinkSync(turn % 2 ? "inside.txt" : "../secret.txt", "next"); fs.renameSync("next", "swap");`],
    [
      "a link to a folder",
      "/swap/inside.txt",
      `fs.symlinkSync(turn % 2 ? "folder" : "../other", "next"); fs.renameSync("next", "swap");`,
    ],
    [
      "a file, a link and a FIFO",
      "/swap",
      `if (turn % 3 === 0) fs.symlinkSync("../secret.txt", "next");
       else if (turn % 3 === 1) fs.linkSync("inside.txt", "next");
       else fs.linkSync("fifo", "next");
       try { fs.renameSync("next", "swap"); } catch {}
       try { fs.unlinkSync("next"); } catch {}`,
    ],
  ])(
    "never leads outside: %s",
    async (_name, target, script) => {
      using base = testFolder();
      base.put("secret.txt", secret);
      base.put("other/inside.txt", secret);
      base.put("root/inside.txt", "inside");
      base.put("root/folder/inside.txt", "inside");
      const root = join(base.path, "root");
      execFileSync("mkfifo", [join(root, "fifo")]);
      await using _rival = await Rival.start(root, script);
      const app = checked(staticFiles(root, { now: forgetful(), maxCacheBytes: 0 }));
      const statuses = new Set<number>();
      const wrong: unknown[] = [];
      await askOften(app, target, scaled(200_000), (status, body) => {
        statuses.add(status);
        const text = body.toString();
        if (status >= 500 || text.includes(secret) || (status === 200 && text !== "inside")) wrong.push([status, text]);
      });
      expect(wrong.slice(0, 5)).toEqual([]);
      // Both sides were met, or there was no race.
      expect(statuses).toEqual(new Set([200, 404]));
    },
    campaignTimeout,
  );

  it.each([
    [
      "a small file that is put in its place",
      5000,
      `fs.writeFileSync("next", String(turn % 10).repeat(100 + (turn % 10) * 300)); fs.renameSync("next", "busy.txt");`,
      20_000,
    ],
    [
      "a small file that is written in its place",
      5000,
      `fs.writeFileSync("busy.txt", String(turn % 10).repeat(100 + (turn % 10) * 300));`,
      20_000,
    ],
    [
      "a large file that is put in its place",
      900_000,
      `fs.writeFileSync("next", String(turn % 10).repeat(600_000 + (turn % 10) * 30_000)); fs.renameSync("next", "busy.txt");`,
      2000,
    ],
    [
      "a large file that is written in its place",
      900_000,
      `fs.writeFileSync("busy.txt", String(turn % 10).repeat(600_000 + (turn % 10) * 30_000));`,
      2000,
    ],
    [
      "a large file that is cut short",
      900_000,
      `fs.truncateSync("busy.txt", turn % 2 ? 100 : 0); fs.writeFileSync("busy.txt", "1".repeat(700_000));`,
      2000,
    ],
  ])(
    "never comes out as a mixture: %s",
    async (_name, maxLength, script, times) => {
      using folder = testFolder();
      folder.put("busy.txt", "1".repeat(100));
      await using _rival = await Rival.start(folder.path, script);
      const app = checked(staticFiles(folder.path, { maxCacheBytes: 0 }), inner);
      const wrong: unknown[] = [];
      let whole = 0;
      await askOften(app, "/busy.txt", scaled(times), (status, body, length, outcome) => {
        const text = body.toString("latin1");
        const isUniform = text === (text[0] ?? "").repeat(text.length);
        if (status === 200 && outcome === "ended" && isUniform && text.length === length && length <= maxLength) whole++;
        else if (status === 200 && outcome === "aborted" && isUniform && text.length < length) return;
        else if (status !== 503) wrong.push([status, outcome, length, text.length, [...new Set(text)].join("")]);
      });
      expect(wrong.slice(0, 5)).toEqual([]);
      expect(whole).toBeGreaterThan(0);
    },
    campaignTimeout,
  );
});

describe("a path that only looks like another", () => {
  it("is the same file for a guard in front as for the layer", async () => {
    using folder = testFolder();
    folder.put("admin/secret.txt", secret);
    // A guard as people write it.
    const guarded: Application = (environ, startResponse) => {
      if (environ.PATH_INFO.startsWith("/admin/")) {
        startResponse("403 Forbidden", [["Content-Type", "text/plain"]]);
        return [Buffer.from("no")];
      }
      return files(environ, startResponse);
    };
    const files = staticFiles(folder.path)(inner);
    for (const target of [
      "/admin/secret.txt",
      "//admin/secret.txt",
      "/./admin/secret.txt",
      "/x/../admin/secret.txt",
      "/admin%2fsecret.txt",
      "/%61dmin/secret.txt",
      "/admin%5csecret.txt",
    ]) {
      const { body } = await collect(validator(guarded), buildEnviron({ target }));
      expect([target, body.toString().includes(secret)]).toEqual([target, false]);
    }
  });
});
