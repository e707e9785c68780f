export { csrf, type CsrfEnviron, type CsrfOptions } from "./csrf.ts";
export { csrfSessionKey, csrfToken, type CsrfSession, type CsrfSessionEnviron } from "./csrf-token.ts";
export type { CsrfDecision, CsrfReason } from "./decision.ts";
