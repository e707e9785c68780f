/** What a store keeps of one session. */
export interface SessionRecord {
  /** Made by the layer; a store keeps it as it is and does not look inside. */
  readonly data: string;
  /** 1 for a new session, one more with each write. */
  readonly version: number;
  /** Whole milliseconds since 1970. A record is gone from this moment on, also while its octets still lie in the store. */
  readonly expiresAt: number;
}

/**
 * Where sessions are kept. `id` is 43 characters of base64url, the hash of what the client holds: a leaked store opens no session.
 *
 * Every method may answer at once or by a promise; where it answers at once, a synchronous application stays synchronous. A store that
 * cannot do its work throws or rejects: it never answers "no such session" for "I do not know". The conformance suite of
 * `@gateway/testing/session-store` proves these obligations.
 */
export interface SessionStore {
  /**
   * Whether {@link write} compares and writes in one step, also against other processes that share the store. Where it does not, parallel
   * requests may lose each other's changes, and a `destroy` may be undone by a save.
   */
  readonly atomic: boolean;
  /** Every method answers at once, never by a promise: a body that streams synchronously then stays so (default: not said). */
  readonly synchronous?: boolean | undefined;
  /** Other processes do not see what is in it (default: not said). */
  readonly inProcess?: boolean | undefined;
  /** The live record, or `undefined` where there is none or its time is over. */
  read(id: string): SessionRecord | undefined | Promise<SessionRecord | undefined>;
  /**
   * Writes a record if its version is one more than that of the live record there (1 where there is none): `false`, and nothing changed,
   * where it is not. So a session that was destroyed is not brought back by a save that began before.
   */
  write(id: string, record: SessionRecord): boolean | Promise<boolean>;
  /** Moves the end of a live record, and leaves its data and version alone. Nothing happens where there is none. */
  touch(id: string, expiresAt: number): void | Promise<void>;
  /** Removes the record. Nothing happens where there is none. */
  delete(id: string): void | Promise<void>;
  /** Removes what has expired, for stores that do not do so by themselves. @returns how many. */
  prune?(): number | Promise<number>;
  /** Lets go of what the store itself has opened; what it was given stays open. */
  close?(): void | Promise<void>;
}
