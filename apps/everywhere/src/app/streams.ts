import { setTimeout as wait } from "node:timers/promises";
import { onClose, type Application } from "@gateway/core";
import { parameter } from "./answers.ts";
import { gateOf } from "./gates.ts";

/** Between two events, in milliseconds. */
const interval = 20;

/**
 * Server-sent events until the client leaves, which this application learns from `close()`, and tells the log.
 * `X-Accel-Buffering` is nginx's, where the configuration lets it buffer.
 */
export const events: Application = (environ, startResponse) => {
  startResponse("200 OK", [
    ["Content-Type", "text/event-stream"],
    ["Cache-Control", "no-store"],
    ["X-Accel-Buffering", "no"],
  ]);
  const id = parameter(environ, "id");
  return onClose(eventsUntil(environ["gateway.exchange"].signal), () => environ["wsgi.errors"].write(`closed ${id ?? "none"};\n`));
};

async function* eventsUntil(signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let number = 1; !signal.aborted; number++) {
    yield Buffer.from(`data: ${number}\n\n`);
    // An abort ends the wait, and the loop.
    await wait(interval, undefined, { signal }).catch(() => {});
  }
}

/** `?id=a`: a first line, and a second when somebody has sent a POST to `/gate?id=a`, which only somebody can who saw the first. */
export const gated: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return linesAround(gateOf(parameter(environ, "id") ?? "", environ));
};

async function* linesAround(opened: Promise<void>): AsyncGenerator<Uint8Array> {
  yield Buffer.from("first\n");
  await opened;
  yield Buffer.from("second\n");
}

/** A stream of nothing. */
export const empty: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return none();
};

async function* none(): AsyncGenerator<Uint8Array> {}
