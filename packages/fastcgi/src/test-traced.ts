import type { Application, ResponseBody } from "@gateway/core";
import { ExchangeAborted } from "@gateway/core";
import { begin, pairs, stream } from "./test-records.ts";

/** The beginning of a request with a body. */
export const post = (id: number, variables: Readonly<Record<string, string>> = {}): string =>
  begin(id) + stream(4, id, pairs({ REQUEST_METHOD: "POST", PATH_INFO: "/", ...variables }));

/** What became of one request. */
export interface Trace {
  closes: number;
  aborts: string[];
  endings: string[];
  pulled: number;
}

/** Answers by path: waits before the response, in it, or is done at once. */
export function traced(): { app: Application; traces: Trace[] } {
  const traces: Trace[] = [];
  const app: Application = (environ, startResponse) => {
    const trace: Trace = { closes: 0, aborts: [], endings: [], pulled: 0 };
    traces.push(trace);
    const exchange = environ["gateway.exchange"];
    const { signal } = exchange;
    const gone = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => {
        trace.aborts.push(signal.reason instanceof ExchangeAborted ? signal.reason.code : "?");
        resolve();
      });
    });
    exchange.onEnd(({ outcome }) => trace.endings.push(outcome));
    const closing = (body: ResponseBody): ResponseBody => Object.assign(body, { close: () => void trace.closes++ });
    const start = (): void => void startResponse("200 OK", [["Content-Type", "text/plain"]]);
    async function* streamed(): AsyncGenerator<Uint8Array> {
      start();
      trace.pulled++;
      yield Buffer.from("begun");
      await gone;
      yield Buffer.from("too late");
    }
    switch (environ.PATH_INFO) {
      case "/waits":
        return gone.then(() => {
          start();
          return closing([Buffer.from("too late")]);
        });
      case "/streams":
        return closing(streamed());
      case "/breaks":
        start();
        return closing(
          (function* broken() {
            yield Buffer.from("begun");
            throw new Error("on purpose");
          })(),
        );
      default:
        start();
        return closing([Buffer.from("whole")]);
    }
  };
  return { app, traces };
}
