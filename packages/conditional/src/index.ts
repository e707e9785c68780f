export { conditional, type ConditionalOptions } from "./conditional.ts";
export { evaluatePreconditions, type ConditionalRequest, type Validators } from "./preconditions.ts";
