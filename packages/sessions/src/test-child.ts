import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL("..", import.meta.url));

const fetched = join(folder, "../../node_modules/.cache/gateway-runtimes", "node_modules", "node24", "bin/node");

/** Node.js with `node:sqlite`: this one, or the one that the project's check of the runtimes has fetched. */
export const nodeWithSqlite: string | undefined =
  process.getBuiltinModule("node:sqlite") === undefined ? [fetched].find((path) => existsSync(path)) : process.execPath;

/** A module of this folder as one text without types, for any runtime. What it imports from packages is left to the runtime. */
export async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    packages: "external",
    // The folder it is put into has nothing installed.
    alias: Object.fromEntries(
      ["@gateway/core/gateway", "@gateway/core"].map((name) => [name, fileURLToPath(import.meta.resolve(name))]),
    ),
    format: "esm",
    platform: "node",
    target: "node20",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/** A process that answers questions, one at a time. */
export interface Child extends AsyncDisposable {
  /** @throws {Error} with what the process threw, or wrote before it ended. */
  ask<Answer>(question: unknown): Promise<Answer>;
}

/** Starts a module of this folder, which answers by `answerQuestions`, in a process of its own. */
export async function startChild(entry: string, node: string = process.execPath): Promise<Child> {
  const source = await bundle(entry);
  // The experimental warning of node:sqlite is no news.
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-"];
  const child = spawn(node, args, { cwd: folder, stdio: ["pipe", "inherit", "pipe", "ipc"] });
  const { stdin, stderr } = child;
  if (stdin === null || stderr === null) throw new TypeError("a child without pipes");
  let written = "";
  stderr.setEncoding("utf8").on("data", (text: string) => (written += text));
  stdin.end(source);
  // Its "close" does not come when the channel was closed from here.
  const ended = Promise.all([once(child, "exit"), once(stderr, "end")]).then(() => {});
  await answerOf(child, ended, () => written);
  return {
    ask(question) {
      const answer = answerOf(child, ended, () => written);
      child.send(question as object);
      return answer as Promise<never>;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await ended;
      if (written !== "") throw new Error(`the process wrote:\n${written}`);
    },
  };
}

async function answerOf(child: ChildProcess, ended: Promise<void>, written: () => string): Promise<unknown> {
  const message = new Promise<{ answer?: unknown; error?: string }>((resolve) =>
    child.once("message", (sent) => resolve(sent as object)),
  );
  const sent = await Promise.race([message, ended]);
  if (sent === undefined) throw new Error(`the process has ended:\n${written()}`);
  if (sent.error !== undefined) throw new Error(sent.error);
  return sent.answer;
}
