import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { hasProgram } from "@gateway/testing/programs";

const gateway = join(dirname(createRequire(import.meta.url).resolve("@gateway/cli/package.json")), "bin/gateway.js");
const built = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** Whether this process may make network namespaces: root, on Linux, with `ip`. */
export function canMakeHosts(): boolean {
  if (process.getuid?.() !== 0 || !hasProgram("ip")) return false;
  const name = `gateway-try-${process.pid}`;
  try {
    ip("netns", "add", name);
    ip("netns", "del", name);
    return true;
  } catch {
    return false;
  }
}

/** A host of its own, as far as the network is concerned: a network namespace, and a cable to this one. */
export class Host implements AsyncDisposable {
  /** Its address, and the one of this end of the cable. */
  readonly address: string;
  readonly gatewayAddress: string;
  /** What its guestbook has said. */
  readonly lines: string[] = [];
  readonly #name: string;
  readonly #cable: string;
  #child: ChildProcess | undefined = undefined;
  #exited: Promise<unknown> | undefined = undefined;

  /** @param number makes the network, 10.231.N.0/24. */
  constructor(number: number) {
    this.address = `10.231.${number}.2`;
    this.gatewayAddress = `10.231.${number}.1`;
    this.#name = `gateway-${process.pid}-${number}`;
    this.#cable = `gw${number}p${process.pid}`;
    ip("netns", "add", this.#name);
    ip("link", "add", this.#cable, "type", "veth", "peer", "name", "uplink", "netns", this.#name);
    ip("address", "add", `${this.gatewayAddress}/24`, "dev", this.#cable);
    ip("link", "set", this.#cable, "up");
    this.#inside("ip", "link", "set", "lo", "up");
    this.#inside("ip", "address", "add", `${this.address}/24`, "dev", "uplink");
    this.#inside("ip", "link", "set", "uplink", "up");
  }

  /** Starts a guestbook of two workers on it, and waits until it listens. */
  async start(port: number, environment: Readonly<Record<string, string>>): Promise<void> {
    const command = [process.execPath, gateway, "--workers", "2", "--bind", `${this.address}:${port}`, built];
    const child = spawn("ip", ["netns", "exec", this.#name, ...command], {
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.#exited = once(child, "exit");
    createInterface(child.stderr).on("line", (line) => this.lines.push(line));
    await new Promise<void>((resolve, reject) => {
      createInterface(child.stdout).on("line", (line) => {
        this.lines.push(line);
        if (line.includes("listening on http:")) resolve();
      });
      void this.#exited?.then(() => reject(new Error(`it ended: ${this.lines.join("\n")}`)));
    });
  }

  /** Pulls the cable: what is sent from either end is lost, without a word. */
  cut(): void {
    this.#inside("ip", "link", "set", "uplink", "down");
  }

  /** Puts it in again. */
  heal(): void {
    this.#inside("ip", "link", "set", "uplink", "up");
  }

  /** Asks it to stop, and waits for the end; the exit status. */
  async stop(): Promise<number | null | undefined> {
    this.#child?.kill("SIGTERM");
    await this.#exited;
    return this.#child?.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
    ip("netns", "del", this.#name);
  }

  #inside(...command: string[]): void {
    ip("netns", "exec", this.#name, ...command);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
