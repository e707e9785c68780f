import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const gateway = join(dirname(createRequire(import.meta.url).resolve("@gateway/cli/package.json")), "bin/gateway.js");
const built = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** The guestbook as it is started by hand: the real command, with what was built. */
export class GuestbookProcess {
  readonly child: ChildProcess;
  /** What it has said. */
  readonly lines: readonly string[];
  readonly origin: string;
  readonly exited: Promise<unknown>;

  private constructor(child: ChildProcess, lines: readonly string[], origin: string, exited: Promise<unknown>) {
    this.child = child;
    this.lines = lines;
    this.origin = origin;
    this.exited = exited;
  }

  static async start(environment: Readonly<Record<string, string>>): Promise<GuestbookProcess> {
    const child = spawn(process.execPath, [gateway, "--bind", "127.0.0.1:0", built], {
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const exited = once(child, "exit");
    const lines: string[] = [];
    createInterface(child.stderr).on("line", (line) => lines.push(line));
    const origin = await new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).on("line", (line) => {
        lines.push(line);
        const address = /listening on (http:\S+)/.exec(line)?.[1];
        if (address !== undefined) resolve(address);
      });
      void exited.then(() => reject(new Error(`it ended: ${lines.join("\n")}`)));
    });
    return new GuestbookProcess(child, lines, origin, exited);
  }

  /** Asks to stop, and waits for the end; the exit status. */
  async stop(signal: "SIGTERM" | "SIGINT" | "SIGKILL" = "SIGTERM"): Promise<number | null> {
    this.child.kill(signal);
    await this.exited;
    return this.child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.stop("SIGKILL");
  }
}

/** One visitor, whose cookie goes to any process. */
export class Visitor {
  #cookie = "";
  #headers: Readonly<Record<string, string>>;

  constructor(headers: Readonly<Record<string, string>> = {}) {
    this.#headers = headers;
  }

  /** From now on at another address, as somebody on a train. */
  moveTo(address: string): void {
    this.#headers = { ...this.#headers, "X-Forwarded-For": address };
  }

  async get(url: string): Promise<Response> {
    return this.#keep(await fetch(url, { headers: this.#with({}), redirect: "manual" }));
  }

  async post(url: string, form: Readonly<Record<string, string>>): Promise<Response> {
    const headers = this.#with({ Origin: new URL(url).origin });
    return this.#keep(await fetch(url, { method: "POST", headers, body: new URLSearchParams(form), redirect: "manual" }));
  }

  #with(headers: Record<string, string>): Record<string, string> {
    return { ...this.#headers, ...headers, ...(this.#cookie === "" ? {} : { Cookie: this.#cookie }) };
  }

  #keep(response: Response): Response {
    for (const line of response.headers.getSetCookie()) this.#cookie = line.split(";")[0] ?? "";
    return response;
  }
}

/** The ids of a stream of events, as they come. */
export async function* eventIds(url: string, signal: AbortSignal): AsyncGenerator<number> {
  const response = await fetch(url, { signal });
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const id = /^id: (\d+)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (id !== undefined) yield Number(id);
    }
  }
}
