import { StartError } from "../start-error.ts";
import { editDistance, nearest } from "./nearest.ts";
import type { Environment } from "./setting.ts";
import { table } from "./table.ts";

/** Variables that begin as ours do and mean something: what CGI hands on, where the config file is, and what a parent hands to the next. */
const others = new Set(["GATEWAY_CONFIG", "GATEWAY_INTERFACE", "GATEWAY_SOCKETS", "GATEWAY_PPID"]);

const known: ReadonlySet<string> = new Set([
  ...others,
  ...[...table.values()].flatMap(({ variable }) => (variable === undefined ? [] : [variable])),
]);

/**
 * Looks for variables that were meant for a setting: those that are one letter off. The rest is left alone, because Kubernetes makes
 * `GATEWAY_PORT` and more for every service of that name, and applications may have their own.
 *
 * @throws {StartError} for one that was.
 */
export function checkVariables(environment: Environment): void {
  for (const name of strayVariables(environment)) {
    const meant = nearest(name, known);
    if (meant === undefined || editDistance(name, meant, 2) > 1) continue;
    throw new StartError(`there is no setting ${name}, which the environment has: did you mean ${meant}?`);
  }
}

/** The variables that begin with `GATEWAY_` and are no settings. */
export function strayVariables(environment: Environment): readonly string[] {
  return Object.keys(environment).filter((name) => name.startsWith("GATEWAY_") && !known.has(name));
}
