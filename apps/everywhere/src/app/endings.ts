import { onClose, type Application, type Header } from "@gateway/core";
import { parameter } from "./answers.ts";
import { gateOf } from "./gates.ts";

/** Tells the log when it was closed. */
export const closes: Application = (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  const id = parameter(environ, "id");
  return onClose([Buffer.from("closes\n")], () => environ["wsgi.errors"].write(`closed ${id ?? "none"};\n`));
};

/** Fails before it says anything. */
export const failsOutside: Application = () => {
  throw new Error("failed before the head");
};

/** Fails after it gave a head, which is not sent. */
export const failsInside: Application = (_environ, startResponse) => {
  startResponse("200 OK", [
    ["Content-Type", "text/plain; charset=utf-8"],
    ["X-Secret", "not to be seen"],
  ]);
  return breakingOff([], Promise.resolve());
};

/**
 * Fails in the middle of a body: `?length=1000` says how long it would have been. `?id=a` waits with that for a POST to `/gate?id=a`, so
 * that the first half has arrived.
 */
export const failsInBody: Application = (environ, startResponse) => {
  const headers: Header[] = [["Content-Type", "text/plain; charset=utf-8"]];
  const length = parameter(environ, "length");
  if (length !== undefined) headers.push(["Content-Length", length]);
  startResponse("200 OK", headers);
  const id = parameter(environ, "id");
  return breakingOff([Buffer.from("half of it\n")], id === undefined ? Promise.resolve() : gateOf(id, environ));
};

async function* breakingOff(chunks: readonly Uint8Array[], opened: Promise<void>): AsyncGenerator<Uint8Array> {
  yield* chunks;
  await opened;
  throw new Error("failed in the middle");
}
