import { durationText } from "../settings/units.ts";
import type { ArbiterSettings } from "./arbiter-world.ts";
import type { Member } from "./members.ts";

/** Of a worker that did not get ready in time. */
export function notReadyText({ runs }: Pick<Member, "runs">, { bootTimeout }: Pick<ArbiterSettings, "bootTimeout">): string {
  const what = runs === "startup" ? "startup() of the application" : "loading the application";
  return `${what} did not finish within --boot-timeout (${durationText(bootTimeout)})`;
}

/** Of a worker that ended by itself before it was ready, and did not say why. */
export function endedEarlyText(how: string): string {
  const status = /^exit status ([0-9]+)$/.exec(how)?.[1];
  // A worker that has lost its way ends with 1, too.
  const why = status === undefined || status === "1" ? "" : `: the application called process.exit(${status})`;
  return `the worker ended before it was ready: ${how}${why}`;
}

/** Of a worker that did not end in time. */
export function notEndedText({ id, state, runs }: Pick<Member, "id" | "state" | "runs">): string {
  const why = state === "draining" && runs === "shutdown" ? ": shutdown() of the application has not finished" : "";
  return `worker ${id} did not end in time and is killed${why}`;
}
