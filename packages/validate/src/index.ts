export { validator } from "./validator.ts";
export { isValidationError, ValidationError, type Side } from "./breach.ts";
export { rules, type RuleId } from "./rules.ts";
