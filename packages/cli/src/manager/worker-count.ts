import { thisHost } from "../settings/host.ts";
import { Unfit } from "../settings/kind.ts";
import { whole } from "../settings/number-kinds.ts";

/** The most workers that there may be, as of the setting `workers`: a slip of the finger must not eat the memory of the machine. */
export const mostWorkers = 1024;

const kind = whole("N", { from: 1, to: mostWorkers });
/** Nothing of a whole number depends on it. */
const anywhere = { directory: "", host: thisHost };

/** What may be asked for while it runs. */
export const workerCountText: string = kind.what;

/**
 * How many workers there shall be, of what somebody asked for while they run: a text of the command line, or a number.
 *
 * @throws {RangeError} for anything but a whole number up to {@link mostWorkers}, and for 0: nobody would serve.
 */
export function workerCount(given: string | number): number {
  try {
    return typeof given === "string" ? kind.fromTexts([given], anywhere) : kind.fromFile(given, anywhere);
  } catch (error) {
    throw error instanceof Unfit ? new RangeError(`workers ${error.message}`) : error;
  }
}

/** `1 worker`, `2 workers`. */
export function workersText(count: number): string {
  return count === 1 ? "1 worker" : `${count} workers`;
}
