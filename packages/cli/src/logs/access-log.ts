import type { Middleware } from "@gateway/core";
import { accessLog } from "@gateway/logging";
import { StartError } from "../start-error.ts";
import type { Log } from "./log.ts";

/**
 * The layer that writes the access log: outermost, so that it sees what was really sent.
 *
 * @param format what `--access-log-format` takes: a name of `@gateway/logging`, or a string with Apache's or gunicorn's atoms.
 * @throws {StartError} for a format that is none.
 */
export function accessLogLayer(format: string, log: Pick<Log, "write">): Middleware {
  try {
    return accessLog({ format, destination: { write: (line) => log.write(line) }, colour: "never" });
  } catch (error) {
    if (error instanceof TypeError) throw new StartError(`--access-log-format: ${error.message}`);
    throw error;
  }
}
