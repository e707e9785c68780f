// A log in a process of its own, without a socket: `node logging-process.js KIND`. The log is switched on and off, slice by slice.
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { IncomingMessage, ServerResponse, type RequestListener } from "node:http";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Application } from "@gateway/core";
import { run } from "@gateway/core/gateway";
import { accessLog } from "@gateway/logging";
import morgan from "morgan";
import pino from "pino";
import { pinoHttp } from "pino-http";
import { makeEnviron, nowhere } from "./onion-environ.ts";

/** What is answered: CPU time for one request, in nanoseconds, without the log and with it. */
export interface LoggingResult {
  readonly bare: number;
  readonly logged: number;
}

const folder = mkdtempSync(join(tmpdir(), "gateway-logging-"));
const file = join(folder, "access.log");
process.on("SIGTERM", () => process.exit(0));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const body = Buffer.from("Hello, world!\n");

/** Answers one request; `false` where that is not over on return, and `next` is called when it is. */
type Answer = (isLogged: boolean, next: () => void) => boolean;

function gateway(format: string): Answer {
  const hello: Application = (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
    return [body];
  };
  const logged = accessLog({ format, file })(hello);
  return (isLogged) => {
    run(isLogged ? logged : hello, makeEnviron(), nowhere);
    return true;
  };
}

/** Takes what `node:http` writes, and drops it. */
class NullSocket extends Socket {
  override readonly remoteAddress = "127.0.0.1";
  override readonly remotePort = 50_000;

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    done();
  }

  override _writev(_chunks: unknown, done: () => void): void {
    done();
  }
}

const { HTTP_HOST, HTTP_USER_AGENT, HTTP_REFERER, HTTP_ACCEPT, REQUEST_URI } = makeEnviron();
const headers = { host: HTTP_HOST, "user-agent": HTTP_USER_AGENT, referer: HTTP_REFERER, accept: HTTP_ACCEPT };

/** The same request as `node:http` has it. */
function nodeHttp(log: (...given: Parameters<RequestListener>) => void): Answer {
  const socket = new NullSocket();
  const bare: RequestListener = (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8", "Content-Length": body.length });
    response.end(body);
  };
  return (isLogged, next) => {
    const request = new IncomingMessage(socket);
    request.method = "GET";
    request.url = REQUEST_URI ?? "";
    request.httpVersion = "1.1";
    request.httpVersionMajor = 1;
    request.httpVersionMinor = 1;
    Object.assign(request, { headers: { ...headers } });
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.on("finish", () => {
      response.detachSocket(socket);
      next();
    });
    if (isLogged) log(request, response);
    bare(request, response);
    return false;
  };
}

const kinds: Readonly<Record<string, () => Answer>> = {
  "gateway combined": () => gateway("combined"),
  "gateway timed": () => gateway("timed"),
  "gateway json": () => gateway("json"),
  morgan: () => {
    const log = morgan("combined", { stream: createWriteStream(file, { flags: "a" }) });
    return nodeHttp((request, response) => log(request, response, () => {}));
  },
  "pino-http": () => {
    // As its documentation has it for speed: asynchronous, and in batches.
    const log = pinoHttp({ logger: pino(pino.destination({ dest: file, sync: false, minLength: 4096 })) });
    return nodeHttp((request, response) => {
      log(request, response);
    });
  },
};

const requestsPerTurn = 64;
const turnsPerSlice = 200;

/** As many requests in a turn of the loop as a busy server has; what is written is written meanwhile. */
async function slice(answer: Answer, isLogged: boolean): Promise<number> {
  const before = process.cpuUsage();
  for (let turn = 0; turn < turnsPerSlice; turn++) {
    await new Promise<void>((resolve) => {
      let left = requestsPerTurn;
      const go = (): void => {
        while (left-- > 0) if (!answer(isLogged, go)) return;
        setImmediate(resolve);
      };
      go();
    });
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / (requestsPerTurn * turnsPerSlice);
}

const make = kinds[process.argv[2] ?? ""];
if (make === undefined) throw new Error(`no such log: ${process.argv[2]}`);
const answer = make();
process.on("message", () => {
  void (async () => {
    const bare = await slice(answer, false);
    const logged = await slice(answer, true);
    process.send?.({ bare, logged } satisfies LoggingResult);
  })();
});
process.on("disconnect", () => process.exit(0));
for (let i = 0; i < 10; i++) await slice(answer, i % 2 === 0);
process.send?.({ isReady: true });
