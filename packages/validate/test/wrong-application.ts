import type { Application, Environ, HeaderList, StartResponse } from "@gateway/core";
import { validator, type RuleId } from "../src/index.ts";
import type { BreachCase } from "./breach-case.ts";
import { drive, emptyBody } from "./harness.ts";

export const text: string = "text/plain";
export const bytes: Uint8Array = Buffer.from("hello");
export const type = (): HeaderList => [["Content-Type", text]];
export const withLength = (length: number): HeaderList => [...type(), ["Content-Length", `${length}`]];

export type Wrong = (environ: Environ, startResponse: StartResponse) => unknown;

/** An application that breaks a rule, and what its environ is besides. */
export function wrong(rule: RuleId, what: string, app: Wrong, environ?: Record<string, unknown>): BreachCase {
  return { rule, what, breaks: () => drive(validator(app as Application), environ) };
}

export type Loose<Method extends string> = Record<Method, (...args: unknown[]) => unknown>;

/** An application that uses something wrongly, and is good besides. */
export function uses(rule: RuleId, what: string, use: (environ: Environ) => unknown): BreachCase {
  return wrong(rule, what, async (environ, startResponse) => {
    await use(environ);
    return emptyBody(environ, startResponse);
  });
}

/** A head that breaks a rule. */
export function head(rule: RuleId, what: string, status: unknown, headers: unknown): BreachCase {
  return wrong(rule, what, (_, startResponse) => {
    startResponse(status as string, headers as HeaderList);
    return [];
  });
}

/** A body that breaks a rule, behind a good head. */
export function body(rule: RuleId, what: string, make: (startResponse: StartResponse) => unknown): BreachCase {
  return wrong(rule, what, (_, startResponse) => {
    startResponse("200 OK", type());
    return make(startResponse);
  });
}
