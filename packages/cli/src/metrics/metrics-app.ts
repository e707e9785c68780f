import type { Application, Environ, HeaderList, ResponseBody, StartResponse } from "@gateway/core";
import { whenReady } from "@gateway/core";
import Negotiator from "negotiator";
import type { ManagerStatus } from "../manager/status.ts";
import { contentTypes, type ExpositionFormat } from "./exposition.ts";

/** What {@link metricsApp} serves. */
export interface MetricsAppOptions {
  readonly livePath: string;
  readonly readyPath: string;
  readonly status: () => ManagerStatus;
  readonly metrics: (format: ExpositionFormat) => string | Promise<string>;
}

/** For those who watch from outside: `/metrics`, is it live, is it ready? */
export function metricsApp({ livePath, readyPath, status, metrics }: MetricsAppOptions): Application {
  const answers: Readonly<Record<string, (environ: Environ, start: StartResponse) => ResponseBody | Promise<ResponseBody>>> = {
    "/metrics": (environ, start) => {
      const format = formatFor(environ.HTTP_ACCEPT);
      return whenReady(metrics(format), (page) =>
        answer(start, "200 OK", page, [
          ["Content-Type", contentTypes[format]],
          ["Vary", "Accept"],
        ]),
      );
    },
    [livePath]: (_environ, start) => answer(start, "200 OK", "live\n"),
    [readyPath]: (_environ, start) => {
      const why = whyNotReady(status());
      return why === undefined ? answer(start, "200 OK", "ready\n") : answer(start, "503 Service Unavailable", `${why}\n`);
    },
  };
  return (environ, start) => {
    const at = Object.hasOwn(answers, environ.PATH_INFO) ? answers[environ.PATH_INFO] : undefined;
    if (at === undefined) return answer(start, "404 Not Found", `There are ${Object.keys(answers).join(", ")}.\n`);
    if (environ.REQUEST_METHOD !== "GET" && environ.REQUEST_METHOD !== "HEAD") {
      return answer(start, "405 Method Not Allowed", "Only GET and HEAD are allowed here.\n", [plain, ["Allow", "GET, HEAD"]]);
    }
    return at(environ, start);
  };
}

/** Why no requests should be sent here, in a few words; `undefined` when they should. */
function whyNotReady({ ready, state, workers }: Pick<ManagerStatus, "ready" | "state" | "workers">): string | undefined {
  // It says itself when it is not, and is ready without workers of its own where a new parent serves.
  if (ready && state !== "serving") return undefined;
  if (state === "draining" || state === "stopping") return "draining";
  if (!workers.some((worker) => worker.state === "ready")) return state === "starting" ? "starting" : "no worker is ready";
  return ready ? undefined : state;
}

/** Prometheus asks for OpenMetrics where it can have it; people and older programs get the plain form. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  const best = new Negotiator({ headers: { accept } }).mediaType([
    contentTypes.text,
    contentTypes.openmetrics,
    "text/plain",
    "application/openmetrics-text",
  ]);
  return best?.startsWith("application/openmetrics-text") === true ? "openmetrics" : "text";
}

const plain = ["Content-Type", "text/plain; charset=utf-8"] as const;

function answer(start: StartResponse, status: string, text: string, headers: Readonly<HeaderList> = [plain]): ResponseBody {
  start(status, [...headers, ["Cache-Control", "no-store"]]);
  return [Buffer.from(text)];
}
