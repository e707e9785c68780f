import type { ArbiterSettings } from "./arbiter-world.ts";
import type { Member } from "./members.ts";

/** How long a worker must have served to count as sound: one that dies earlier may be the next round of a crash loop. */
const soundMilliseconds = 10_000;
/** Beyond `timeout`: for the stack of the blocked loop to be taken and written. */
const stackMilliseconds = 300;
/** Beyond `gracefulTimeout`: for the `shutdown` of the application, and for what the worker has to write. */
const lastWordsMilliseconds = 2000;
/** What a worker that is told to quit may take to run its exit handlers. */
const quitMilliseconds = 500;
/** When a timer is so late, it was this very process that stood still, and the heartbeats of the workers wait unread. */
const stalledMilliseconds = 500;
/** What the workers get then to be heard. */
const catchUpMilliseconds = 1000;

/** When a worker that boots from now on is killed. */
export function bootDeadline(now: number, { bootTimeout }: ArbiterSettings): number {
  return bootTimeout === 0 ? Infinity : now + bootTimeout * 1000;
}

/** When a worker that drains from now on is killed. */
export function drainDeadline(now: number, { gracefulTimeout }: ArbiterSettings): number {
  return now + gracefulTimeout * 1000 + lastWordsMilliseconds;
}

/** When a worker that is told now to quit is killed. */
export function quitDeadline(now: number): number {
  return now + quitMilliseconds;
}

/** When the loop of the worker counts as blocked, if it gives no sign of life until then. */
export function blockedAt({ state, lastBeat }: Member, { timeout }: ArbiterSettings): number {
  const isWatched = timeout > 0 && (state === "ready" || state === "draining");
  return isWatched ? lastBeat + timeout * 1000 + stackMilliseconds : Infinity;
}

/** The last sign of life of a worker as it counts when the clock is looked at so late. */
export function heardUntil({ lastBeat }: Member, now: number, late: number, { timeout }: ArbiterSettings): number {
  return late > stalledMilliseconds ? Math.max(lastBeat, now - timeout * 1000 + catchUpMilliseconds) : lastBeat;
}

/** Whether a worker that ends now has served for long. */
export function isSound({ readyAt }: Member, now: number): boolean {
  return now - readyAt >= soundMilliseconds;
}
