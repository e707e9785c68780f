import type { Application, Environ, HeaderList } from "@gateway/core";
import { run, type Sink } from "@gateway/core/gateway";

/** What came of a request. */
export interface Collected {
  status: string;
  headers: HeaderList;
  body: Buffer;
  outcome: "ended" | "aborted";
}

/** Runs one request without a client around it: for campaigns. Synchronous where the application is. */
export function collect(app: Application, environ: Environ): Collected | Promise<Collected> {
  const chunks: Uint8Array[] = [];
  const collected: Collected = { status: "", headers: [], body: Buffer.alloc(0), outcome: "aborted" };
  const sink: Sink = {
    head(head) {
      collected.status = head.status;
      collected.headers = head.headers;
    },
    write(chunk) {
      chunks.push(chunk);
    },
    end() {
      collected.outcome = "ended";
    },
    abort() {},
  };
  const finish = (): Collected => {
    collected.body = Buffer.concat(chunks);
    return collected;
  };
  const running = run(app, environ, sink);
  return running === undefined ? finish() : running.done.then(finish);
}
