import { readFileSync } from "node:fs";
import type { CgiVariables } from "@gateway/core/gateway";

/**
 * The environment of this process, octets as latin-1. The runtime decodes `process.env` as UTF-8 and loses what is none, so the system is
 * asked where it can be (Linux).
 */
export function processVariables(): CgiVariables {
  try {
    return splitVariables(readFileSync("/proc/self/environ", "latin1"));
  } catch {
    return variablesOf(process.env);
  }
}

/** @param block of `NAME=value`, each with a NUL behind it. */
export function splitVariables(block: string): CgiVariables {
  const variables: string[] = [];
  for (const text of block.split("\0")) {
    const equals = text.indexOf("=");
    if (equals > 0) variables.push(text.slice(0, equals), text.slice(equals + 1));
  }
  return variables;
}

/** The other way of giving them: strings of JavaScript, which are sent as UTF-8. */
export function variablesOf(environment: Readonly<Record<string, string | undefined>>): CgiVariables {
  return Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [name, Buffer.from(value, "utf8").toString("latin1")],
  );
}
