import { rules, type RuleId } from "./rules.ts";
import { show } from "./show.ts";

/** Who broke a rule: the server (a gateway, or a layer outside the validator) or the application (or a layer inside it). */
export type Side = "gateway" | "application";

/** Marks errors of this class: two copies of the package may be loaded, so `instanceof` would not do. */
const brand = Symbol.for("gateway.ValidationError");

/** Somebody broke a rule of SPEC.md. The message names the rule and shows the offending value, shortened and escaped. */
export class ValidationError extends Error {
  /** The number of the rule: `"A7"`. */
  readonly rule: RuleId;
  /** Who broke it. */
  readonly side: Side;

  constructor(rule: RuleId, value: unknown) {
    super(`${rule}: ${rules[rule]} — got ${show(value)}`);
    this.name = "ValidationError";
    this.rule = rule;
    this.side = rule.startsWith("G") ? "gateway" : "application";
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Is it a {@link ValidationError}, of this copy of the package or another? */
export function isValidationError(value: unknown): value is ValidationError {
  return typeof value === "object" && value !== null && brand in value;
}

/**
 * Every breach goes through here. To prove that a test notices each rule, a script lets this return for one rule at a time: so no code may
 * count on it to throw, and no other rule may take its place.
 */
export function breach(rule: RuleId, value: unknown): never {
  throw new ValidationError(rule, value);
}
