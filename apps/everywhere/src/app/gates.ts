import type { Application, Environ } from "@gateway/core";
import { parameter, text } from "./answers.ts";

/** How the responses that wait go on, by their ids. */
const gates = new Map<string, () => void>();

/** Resolves when somebody has sent a POST to `/gate` with this id, or nobody waits for the response any more. */
export function gateOf(id: string, environ: Environ): Promise<void> {
  const { signal } = environ["gateway.exchange"];
  const opened = new Promise<void>((resolve) => {
    gates.set(id, resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return opened.then(() => void gates.delete(id));
}

/** Lets a response go on: `/gate?id=a`. */
export const gate: Application = (environ, startResponse) => {
  const open = gates.get(parameter(environ, "id") ?? "");
  open?.();
  return text(startResponse, open === undefined ? "no such gate\n" : "open\n");
};
