/** One entry of the guestbook. */
export interface Entry {
  /** Counts up: of two entries the later one has the greater id. */
  readonly id: number;
  readonly author: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

/** Where a page of entries begins: behind an entry, before one, or with the newest. */
export type Cursor = { readonly olderThan: number } | { readonly newerThan: number } | "newest";

/** A page of entries, the newest first, and the way to its neighbours. */
export interface EntryPage {
  readonly entries: readonly Entry[];
  /** Entries newer than this id stand on another page; `undefined` where this is the first. */
  readonly newerThan: number | undefined;
  /** Entries older than this id stand on another page; `undefined` where this is the last. */
  readonly olderThan: number | undefined;
}

/** Somebody who may write. */
export interface Guest {
  /** As it was spelt when it was taken. */
  readonly name: string;
  /** The hash of the password. */
  readonly password: string;
}

/** What the guestbook asks of its database. */
export interface EntryStore {
  /** A page of at most `limit` entries. Newer than an entry without a full page of them is the newest page. */
  page(cursor: Cursor, limit: number): Promise<EntryPage>;
  /** The entries that came after `id`, the oldest first, at most `limit`. */
  after(id: number, limit: number): Promise<readonly Entry[]>;
  /** One entry. */
  find(id: number): Promise<Entry | undefined>;
  /** Writes an entry. */
  write(author: string, text: string, writtenAt: number): Promise<Entry>;
  /** Finds a guest by name, however it is spelt. */
  findGuest(name: string): Promise<Guest | undefined>;
  /** Takes a name; `false` where somebody has it. */
  addGuest(guest: Guest): Promise<boolean>;
}

/** What a database's layer adds to environ. */
export interface EntriesEnviron {
  "guestbook.entries": EntryStore;
}
