export { health, type Health, type HealthOptions } from "./health.ts";
export type { Check, CheckResult, CheckResults } from "./run-checks.ts";
