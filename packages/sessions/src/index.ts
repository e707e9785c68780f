export { sessions, type SessionsLayer } from "./sessions.ts";
export type { SessionsOptions, StoreErrorVerdict, StoreOperation } from "./sessions-options.ts";
export type { Session, SessionData, SessionEntry, SessionEnviron, SessionKey } from "./session.ts";
export type { Stored } from "./stored-value.ts";
export type { SessionSerializer } from "./contents.ts";
export type { CookieOptions } from "./cookie-options.ts";
export type { Secret } from "./secrets.ts";
export type { SessionRecord, SessionStore } from "./store.ts";
