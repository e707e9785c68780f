/**
 * What a store keeps of one session: the shape that `@gateway/sessions` calls `SessionRecord`. It stands here again because this package
 * is below that one; a type test there holds the two together.
 */
export interface SessionRecord {
  /** Any well-formed text. */
  readonly data: string;
  /** 1 for a new session, one more with each write. */
  readonly version: number;
  /** Milliseconds since 1970. A record is gone from this moment on. */
  readonly expiresAt: number;
}

/** A store of sessions: the shape that `@gateway/sessions` calls `SessionStore`, where its obligations are written. */
export interface SessionStore {
  readonly atomic: boolean;
  readonly synchronous?: boolean | undefined;
  /** Other processes do not see what is in it (default: not said). */
  readonly inProcess?: boolean | undefined;
  read(id: string): SessionRecord | undefined | Promise<SessionRecord | undefined>;
  write(id: string, record: SessionRecord): boolean | Promise<boolean>;
  touch(id: string, expiresAt: number): void | Promise<void>;
  delete(id: string): void | Promise<void>;
  prune?(): number | Promise<number>;
  close?(): void | Promise<void>;
}

/** A store for one case: an empty one, or one whose data the cases share (their ids are random). */
export interface StoreUnderTest {
  readonly store: SessionStore;
  /** Opens another handle on the same data, as another process would have it, with the same clock. Closed after the case. */
  another?(): SessionStore | Promise<SessionStore>;
  /** Makes what the store rests on unreachable: a server stopped, a file in the way. */
  breakDown?(): void | Promise<void>;
  /** Undoes {@link breakDown}, with the data as it was. */
  mend?(): void | Promise<void>;
  /** Clears away what the case has left. The handles are closed by then. */
  end?(): void | Promise<void>;
}

/** Makes a store for one case. `now` is the clock to give to it. */
export type MakeStore = (now: () => number) => StoreUnderTest | Promise<StoreUnderTest>;

/**
 * What a case cannot do without: writes that compare in one step (`atomic`), a store that goes by the clock that it is given (`clock`),
 * its method `prune`, and what the author of the store supplies to the suite (`another`, `breakDown`, `mend`).
 */
export type StoreNeed = "atomic" | "clock" | "prune" | "another" | "breakDown" | "mend";

/** What a case is about. */
export type StoreArea =
  | "read"
  | "write"
  | "data"
  | "ids"
  | "touch"
  | "delete"
  | "expiry"
  | "handles"
  | "races"
  | "failure"
  | "close";

/** What a case works with. */
export interface StoreBench {
  readonly store: SessionStore;
  /** A new id, as the layer makes them: 43 random characters of base64url. */
  readonly id: () => string;
  /** The time of the case, which stands still unless it is moved: ends are known to the millisecond. */
  readonly now: () => number;
  /** Moves the clock on. For cases that need `clock`. */
  readonly advance: (milliseconds: number) => void;
  readonly another: () => Promise<SessionStore>;
  readonly breakDown: () => Promise<void>;
  readonly mend: () => Promise<void>;
}

/** One case of the table. */
export interface StoreCase {
  /** Unique in the table. */
  readonly name: string;
  readonly area: StoreArea;
  readonly needs: readonly StoreNeed[];
  /** @throws {Error} that says what was expected and what came. */
  readonly run: (bench: StoreBench) => Promise<void>;
}

/** The functions of a test runner: vitest's, or those of `node:test`. */
export interface StoreTestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: () => Promise<void>): unknown;
}
