import type { Middleware } from "@gateway/core";
import type { EntriesEnviron, EntryStore } from "./entries.ts";
import type { Watchers } from "./watchers.ts";

/** Where the guestbook keeps its entries. */
export interface Database {
  /** What it is, in a word or two, to be said at the start. */
  readonly description: string;
  /** Gives each request `environ["guestbook.entries"]`. */
  readonly layer: Middleware<EntriesEnviron>;
  /** The entries beside any request: what streams read, which last. */
  readonly entries: EntryStore;
  /** Are told of each new entry, whichever process has written it. */
  readonly watchers: Watchers;
  /** Is the database there? Rejects, or gives `false`, where it is not. */
  check(): Promise<boolean>;
  close(): Promise<void>;
}
