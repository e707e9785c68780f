import type { SessionEnviron } from "@gateway/sessions";

/** What a session holds. */
export interface Visitor {
  /** Who has signed in. */
  guest: string;
  /** What to say on the next page, once. */
  notice: string;
}

/** What `sessions<Visitor>()` adds to environ. */
export type VisitorEnviron = SessionEnviron<Visitor>;
