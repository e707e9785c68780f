import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ClientError, IncomingResponse, OutgoingBody, type GatewayResponse } from "@gateway/sockets";

const folder: string = fileURLToPath(new URL("..", import.meta.url));

/** What a front server runs for one request. */
export interface Run {
  /** Of a module, JavaScript. */
  readonly source: string;
  /** Names and values in turn, octets as latin-1. */
  readonly variables: readonly string[];
  readonly body?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined;
  /** Whether the standard input ends behind the body (default false: it stays open, as with some front servers). */
  readonly endsInput?: boolean;
  readonly signal?: AbortSignal;
  /** Told of what the program writes to its standard error, and to descriptor 3, line by line. */
  readonly onErrors?: (text: string) => void;
  readonly onNote?: (text: string) => void;
}

/** A program that is run, and its response. */
export class RunProgram {
  readonly child: ChildProcess;
  /** The status it exited with, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  readonly #incoming: IncomingResponse;

  constructor({ source, variables, body, endsInput = false, signal, onErrors, onNote }: Run) {
    const method = variables[variables.lastIndexOf("REQUEST_METHOD") + 1];
    const child = spawn("/bin/sh", ["-c", script(variables, source)], { cwd: folder, env: {}, stdio: "pipe" });
    this.child = child;
    const rules = { statusLine: false, headBytes: 64 * 1024, headerCount: 256 };
    const leave = (): void => {
      // As Apache httpd does it.
      child.stdout.destroy();
      child.stdin.destroy();
      child.kill("SIGTERM");
    };
    const incoming = new IncomingResponse(rules, method === "HEAD", { taken: () => child.stdout.resume(), left: leave });
    this.#incoming = incoming;
    child.stdout.on("data", (chunk: Buffer) => {
      try {
        incoming.push(chunk);
      } catch (error) {
        incoming.fail(error);
      }
      if (incoming.waitingBytes > 64 * 1024) child.stdout.pause();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      for (const line of text.split(/(?<=\n)/)) {
        if (line.startsWith("note: ")) onNote?.(line.slice(6).trimEnd());
        else onErrors?.(line);
      }
    });
    this.exited = new Promise((resolve) => child.once("close", (code, ended) => resolve(code ?? ended ?? "")));
    void this.exited.then((status) => this.#end(status));
    signal?.addEventListener("abort", () => {
      incoming.fail(signal.reason);
      leave();
    });
    child.stdin.on("error", () => {});
    const outgoing = new OutgoingBody(body ?? [], undefined);
    void outgoing.sendTo({
      send: (chunk) => new Promise((resolve) => child.stdin.write(chunk, () => resolve())),
      sent: () => void (endsInput && child.stdin.end()),
      failed: leave,
    });
  }

  get response(): Promise<GatewayResponse> {
    return this.#incoming.response;
  }

  #end(status: number | string): void {
    try {
      if (status !== 0) throw new ClientError("TRUNCATED", `the program ended with ${status}`);
      this.#incoming.end();
    } catch (error) {
      this.#incoming.fail(error);
    }
  }
}

/** The only way to give octets to a program that are no UTF-8. */
function script(variables: readonly string[], source: string): string {
  let text = "";
  for (let i = 0; i < variables.length; i += 2) text += `export ${variables[i]}="$(printf '${octal(variables[i + 1] ?? "")}')"\n`;
  return `${text}exec ${process.execPath} --input-type=module -e "$(printf '${octal(Buffer.from(source).toString("latin1"))}')"`;
}

function octal(octets: string): string {
  return octets.replaceAll(/[^A-Za-z0-9]/g, (octet) => `\\${octet.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/** The environment has each name once: what repeats, a front server for CGI joins. */
export function joined(variables: readonly string[]): string[] {
  const known = new Map<string, string>();
  for (let i = 0; i < variables.length; i += 2) {
    const name = variables[i] ?? "";
    const value = variables[i + 1] ?? "";
    const before = name.startsWith("HTTP_") ? known.get(name) : undefined;
    known.set(name, before === undefined ? value : `${before}${name === "HTTP_COOKIE" ? "; " : ", "}${value}`);
  }
  return [...known].flat();
}
