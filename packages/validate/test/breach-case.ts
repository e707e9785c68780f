import type { RuleId } from "../src/index.ts";

/** One way to break one rule. `breaks` throws, or gives a promise that rejects. */
export interface BreachCase {
  readonly rule: RuleId;
  readonly what: string;
  readonly breaks: () => unknown;
}
