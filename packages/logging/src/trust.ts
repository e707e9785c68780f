import type { Environ } from "@gateway/core";

/** Whose word counts: nobody's (`false`), everybody's (`true`), or that of requests the function is true for. */
export type Trust = boolean | ((environ: Environ) => boolean);

/** @throws {TypeError} for anything else. */
export function trustOf(trust: Trust): (environ: Environ) => boolean {
  if (typeof trust === "function") return trust;
  if (typeof trust !== "boolean") throw new TypeError("trust is true, false or a function of environ");
  return () => trust;
}
