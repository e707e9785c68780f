export { errors, type ErrorsOptions } from "./errors.ts";
export type { Page } from "./answer.ts";
export type { AnswerType } from "./negotiate.ts";
export type { Problem } from "./problem.ts";
