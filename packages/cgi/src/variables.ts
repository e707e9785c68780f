import { readFileSync } from "node:fs";
import type { CgiVariables } from "@gateway/core/gateway";

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process, octets as latin-1. */
export function processVariables(): CgiVariables {
  return withOctets(process.env, rawEnvironment());
}

/**
 * The runtime decodes `process.env` as UTF-8, and what is none is lost: so values are taken from the raw environment, where they are the same.
 * What the program itself has set since, or deleted, is as it left it.
 *
 * @param block the raw environment: `NAME=value`, each with a NUL behind it, octets as latin-1.
 */
export function withOctets(environment: Environment, block: string): CgiVariables {
  const raw = new Map<string, string>();
  for (const text of block.split("\0")) {
    const equals = text.indexOf("=");
    if (equals > 0 && !raw.has(text.slice(0, equals))) raw.set(text.slice(0, equals), text.slice(equals + 1));
  }
  const variables: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) continue;
    const octets = raw.get(name);
    const isSame = octets !== undefined && Buffer.from(octets, "latin1").toString("utf8") === value;
    variables.push(name, isSame ? octets : asOctets(value));
  }
  return variables;
}

/** The other way of giving them: strings of JavaScript, which are sent as UTF-8. */
export function variablesOf(environment: Environment): CgiVariables {
  return Object.entries(environment).flatMap(([name, value]) => (value === undefined ? [] : [name, asOctets(value)]));
}

function asOctets(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Where the system shows it (Linux); `""` elsewhere. */
function rawEnvironment(): string {
  try {
    return readFileSync("/proc/self/environ", "latin1");
  } catch {
    return "";
  }
}
