export { limits, type LimitsOptions, type Refusal } from "./limits.ts";
