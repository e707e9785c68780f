import type { Stored } from "./stored-value.ts";

/** What a session may hold when nobody says more: any JSON value under any key. */
export type SessionData = Record<string, unknown>;

/** The keys of a session. */
export type SessionKey<Data extends object> = keyof Data & string;

/** A key of a session with its value. */
export type SessionEntry<Data extends object> = {
  [K in SessionKey<Data>]: readonly [key: K, value: Stored<Data[K]>];
}[SessionKey<Data>];

/** What {@link sessions} adds to environ. Another key for a second session in the same onion: `SessionEnviron<Data, "app.admin_session">`. */
export type SessionEnviron<Data extends object = SessionData, Key extends string = "gateway.session"> = {
  [K in Key]: Session<Data>;
};

/** Names what is never there: see {@link Session}. */
declare const holds: unique symbol;

/**
 * What the server remembers of one visitor, from request to request. Using it at all makes the answer `Vary: Cookie`; only changing it saves it.
 *
 * Values are JSON: strings, finite numbers, booleans, null, plain objects and arrays. They are copied when they come in and frozen when they go
 * out, so no change is lost without a word: `set` a changed copy, or `update`. With a serializer of your own other values may be stored;
 * what such a value holds inside (the entries of a Map) is not watched, so `set` it again when it has changed.
 */
export interface Session<Data extends object = SessionData> {
  /**
   * Names the session in logs and in lists of revoked ones; not what the cookie holds, so it opens nothing. With a store it is the id that the store
   * knows. Stays the same until `regenerate()` or `destroy()`; that of a new session only if it is saved.
   */
  readonly id: string;
  /** Never there: keeps the compiler from taking a session for one that holds something else. One that holds more is taken. */
  readonly [holds]?: { readonly [K in keyof Data]: Data[K] };
  /** The request brought no session that is still good. Stays true when something is put into it. */
  readonly isNew: boolean;
  /** The value of a key, `undefined` when there is none. Frozen. */
  get<K extends SessionKey<Data>>(key: K): Stored<Data[K]> | undefined;
  /**
   * Puts a value under a key. The last of several requests that set the same key at the same time wins; see {@link Session.update}.
   *
   * @throws {TypeError} for what JSON cannot hold as it is.
   * @throws {RangeError} where the session would become too large; nothing is changed then.
   * @throws {Error} after the head has gone (with a store: after the body), or where a browser would drop the cookie.
   */
  set<K extends SessionKey<Data>>(key: K, value: Stored<Data[K]>): void;
  /**
   * Puts what `change` makes of the value under a key; `undefined` deletes it. With a store `change` is called again when another request was
   * faster, with what that has saved: so nothing that counts gets lost. It must depend on its argument alone.
   *
   * @returns the new value.
   * @throws as {@link Session.set} does.
   */
  update<K extends SessionKey<Data>>(
    key: K,
    change: (value: Stored<Data[K]> | undefined) => Stored<Data[K]> | undefined,
  ): Stored<Data[K]> | undefined;
  /** Is there a value under this key? */
  has(key: SessionKey<Data>): boolean;
  /** Removes a key. Returns whether it was there; where it was not, nothing has changed. */
  delete(key: SessionKey<Data>): boolean;
  /** Removes everything, and keeps the session and its id: for logging out use `destroy()`. */
  clear(): void;
  /**
   * All keys with their values, flash aside, as they are now. The type is a parameter so that a layer that knows some keys of a session can stand inside one that
   * knows more.
   */
  entries<Entry = SessionEntry<Data>>(): IterableIterator<Entry>;
  /** Reads a value that an earlier request has left by `flash(key, value)`, once: it is gone then. */
  flash<K extends SessionKey<Data>>(key: K): Stored<Data[K]> | undefined;
  /** Leaves a value for the next request that reads it, under keys that `get` does not see: a message to show after a redirect. */
  flash<K extends SessionKey<Data>>(key: K, value: Stored<Data[K]>): void;
  /**
   * Gives the session a new id, and with a store makes the old one worthless: call it wherever somebody's rights change, at login above all, or whoever
   * has planted a session gets a share in it. What is in it stays; the absolute time limit begins anew. Not after the head has gone.
   */
  regenerate(): void;
  /**
   * Ends the session: its data is removed, with a store also there, and the cookie taken away. What is put in afterwards (a flash that says goodbye) begins
   * a new one. A sealed cookie that somebody has copied stays good until its time is over.
   */
  destroy(): void;
  /** What this request does to the session is forgotten: nothing is saved, no cookie set, no time extended. */
  skipSave(): void;
  /** Reads the store, where that is left to you (`lazy: true`): await it before all else. Else does nothing. A promise only where the store gives one. */
  load(): void | Promise<void>;
}
