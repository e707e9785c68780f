import { HTTPError, isThenable, whenReady, type Environ, type HeaderList, type ResponseBody } from "@gateway/core";
import { Changes } from "./changes.ts";
import { Contents, decodeContents } from "./contents.ts";
import { findCookie } from "./cookie-header.ts";
import { storeFailure, type GuardedStore } from "./guarded-store.ts";
import { isFileBody, lateBody } from "./late-body.ts";
import { LiveSession } from "./live-session.ts";
import { newId } from "./sealed-cookie.ts";
import { logError, type Settings } from "./sessions-options.ts";
import { hashId, type IdSigner } from "./signed-id.ts";
import type { SessionRecord } from "./store.ts";

/** How often a save that others were faster than is tried. */
const maxAttempts = 100;

/**
 * Stands where a session was that got another id, or is being destroyed: so that no save that is under way brings the old one back, and who destroys it meanwhile
 * finds where it went.
 */
const movedTo = (storeId: string): string => `moved ${storeId}`;
const isMoved = ({ data }: SessionRecord): boolean => data.startsWith("moved ");
/** For how long, in milliseconds: longer than requests take. */
const movedMilliseconds = 60_000;

/** The session that the client has the cookie of. */
interface Held {
  readonly id: string;
  readonly storeId: string;
  readonly record: SessionRecord;
  readonly createdAt: number;
}

/** What the layer has for all its requests. */
interface StoreAccess {
  readonly store: GuardedStore;
  readonly signers: { readonly http: IdSigner; readonly https: IdSigner };
}

/** How a save ended: others may have destroyed the session meanwhile. */
type Saved = "saved" | "gone";

/** A session in a store, of which the cookie holds the signed id. */
export class StoredSession<Data extends object> extends LiveSession<Data> {
  readonly #access: StoreAccess;
  #loaded = false;
  #loading: void | Promise<void> = undefined;
  /** The store could not be read, and the request goes on without it. */
  #cutOff = false;
  #hadCookie = false;
  /** The cookie as it came, where it is just the one that would be set. */
  #token: string | undefined = undefined;
  #held: Held | undefined = undefined;
  /** What was held, and is to be removed: destroyed. */
  #leaving: Held | undefined = undefined;
  /** What was held stays, under another id. */
  #moving = false;
  #newId: string | undefined = undefined;
  #changes: Changes | undefined = undefined;

  constructor(settings: Settings, environ: Environ, access: StoreAccess) {
    super(settings, environ);
    this.#access = access;
  }

  get id(): string {
    this.reach();
    return this.#held !== undefined && !this.#moving ? this.#held.storeId : hashId((this.#newId ??= newId()));
  }

  get isNew(): boolean {
    this.reach();
    return this.#held === undefined;
  }

  regenerate(): void {
    this.reach();
    if (this.phase !== "open")
      throw new Error("session.regenerate: the head of the answer has gone, and the cookie with it. Call it before");
    this.#newId = newId();
    this.#moving = this.#held !== undefined;
    this.dirty = true;
  }

  prepare(): void | Promise<void> {
    return this.settings.lazy ? undefined : this.load();
  }

  load(): void | Promise<void> {
    if (this.#loaded) return undefined;
    return (this.#loading ??= this.#load());
  }

  #load(): void | Promise<void> {
    const token = findCookie(this.environ.HTTP_COOKIE, this.cookieName);
    this.#hadCookie = token !== undefined;
    const opened = typeof token === "string" ? this.#signer().open(token) : undefined;
    if (opened === undefined) {
      this.#loaded = true;
      return undefined;
    }
    if (opened.isCurrent && typeof token === "string") this.#token = token;
    const storeId = hashId(opened.id);
    return this.#guard(
      () => this.#access.store.read(storeId),
      (record) => this.#receive(opened.id, storeId, record),
      () => {
        this.#cutOff = true;
        this.#loaded = true;
      },
    );
  }

  #receive(id: string, storeId: string, record: SessionRecord | undefined): void {
    this.#loaded = true;
    const createdAt = record === undefined ? undefined : this.#liveSince(record);
    if (record !== undefined && createdAt !== undefined) this.#held = { id, storeId, record, createdAt };
  }

  /** When the session of a record began; `undefined` where it is over, or is none. */
  #liveSince({ data, expiresAt }: SessionRecord): number | undefined {
    const now = this.settings.now();
    const createdAt = Number(data.slice(0, Math.max(0, data.indexOf(" "))) || Number.NaN);
    const isLive = createdAt + this.settings.absoluteMilliseconds > now && expiresAt > now;
    return isLive ? createdAt : undefined;
  }

  #signer(): IdSigner {
    const { signers } = this.#access;
    return this.environ["wsgi.url_scheme"] === "https" ? signers.https : signers.http;
  }

  protected open(): Contents {
    if (!this.#loaded) throw new Error("session: it is not loaded yet: await session.load() first, as lazy: true asks for");
    const contents = this.#held === undefined ? undefined : this.#decode(this.#held.record);
    // What cannot be read any more (another serializer, say) is no session; its record ends by itself.
    if (contents === undefined) this.#held = undefined;
    return contents ?? new Contents();
  }

  #decode({ data }: SessionRecord): Contents | undefined {
    return decodeContents(data.slice(data.indexOf(" ") + 1), this.settings.serializer);
  }

  protected assertWritable(what: string): void {
    if (this.phase === "open") return;
    if (this.phase === "over")
      throw new Error(`session.${what}: the answer has been given, and with it the session was saved. Change it before`);
    if (this.#held === undefined) {
      throw new Error(
        `session.${what}: the head of the answer has gone, and the client has no cookie for a new session. Put something into it before the body begins`,
      );
    }
  }

  protected assertFits(): void {
    const size = Buffer.byteLength(this.text());
    const { maxDataBytes } = this.settings;
    if (size <= maxDataBytes) return;
    throw new RangeError(
      `session: with this it would have ${size} octets, more than maxDataBytes, ${maxDataBytes}. Nothing was changed`,
    );
  }

  protected note(): Changes {
    return (this.#changes ??= new Changes());
  }

  protected restart(): void {
    this.#leaving ??= this.#held;
    this.#held = undefined;
    this.#moving = false;
    this.#newId = undefined;
    this.#changes = undefined;
  }

  protected save(headers: HeaderList): void | Promise<void> {
    if (this.#cutOff) {
      this.#dropCookie(headers);
      return this.#saveNothing();
    }
    const leaving = this.#leaving;
    this.#leaving = undefined;
    return this.#guard(
      () =>
        // First: whatever becomes of the rest, what was destroyed is gone.
        whenReady(leaving === undefined ? undefined : this.#end(leaving.storeId, leaving.record, 1), () =>
          this.#saveCurrent(headers),
        ),
      () => {
        this.#access.store.pruneNow(this.settings.now(), this.environ);
      },
      () => this.#dropCookie(headers),
    );
  }

  /** Who has destroyed the session goes, also where the store cannot be told: nobody else takes the cookie away. */
  #dropCookie(headers: HeaderList): void {
    if (this.ended && this.#hadCookie) this.removeCookie(headers);
  }

  override follow(body: ResponseBody, headers: HeaderList): ResponseBody {
    // Only what the client has the cookie of can still be changed.
    const canChange = this.#held !== undefined || (!this.#loaded && this.#hasCookie());
    if (!canChange || Array.isArray(body)) return body;
    if (isFileBody(body)) {
      this.phase = "over";
      return body;
    }
    return lateBody(body, headers, {
      synchronous: this.#access.store.isSynchronous,
      finish: () => this.#finish(),
      close: () => this.#close(),
    });
  }

  #hasCookie(): boolean {
    return findCookie(this.environ.HTTP_COOKIE, this.cookieName) !== undefined;
  }

  /** The body has ended: saves what was changed since the head went. */
  #finish(): void | Promise<void> {
    if (this.phase === "over") return undefined;
    this.phase = "over";
    return this.#saveLate();
  }

  /** The body was closed, before its end perhaps: as above, but nobody can be told of an error any more. */
  #close(): void | Promise<void> {
    const failed = (error: unknown): void => logError(this.environ, error);
    try {
      const saving = this.#finish();
      return isThenable(saving) ? saving.then(undefined, failed) : undefined;
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  #saveLate(): void | Promise<void> {
    if (!this.touched || this.skipped) return undefined;
    if (this.#cutOff) return this.#saveNothing();
    const leaving = this.#leaving;
    this.#leaving = undefined;
    return this.#guard(
      () => {
        if (leaving !== undefined) return this.#end(leaving.storeId, leaving.record, 1);
        const held = this.#held;
        if (held === undefined) return undefined;
        return this.dirty ? whenReady(this.#update(held), () => {}) : this.#touch(held, undefined);
      },
      () => {},
      () => {},
    );
  }

  #saveNothing(): void {
    if (!this.dirty) return;
    this.dirty = false;
    logError(this.environ, new Error("sessions: the store could not be read, so what the request changed was not saved"));
  }

  #saveCurrent(headers: HeaderList): void | Promise<void> {
    const held = this.#held;
    if (!this.dirty) return held === undefined ? undefined : this.#touch(held, headers);
    if (held === undefined) {
      if (this.contents?.isEmpty === false) return whenReady(this.#create(), (id) => this.#setIdCookie(headers, id));
      this.dirty = false;
      this.#dropCookie(headers);
      return undefined;
    }
    return whenReady(this.#moving ? this.#move(held) : this.#update(held), (saved) => {
      const now = this.#held;
      if (saved === "saved" && now !== undefined) this.#setIdCookie(headers, now.id);
    });
  }

  #setIdCookie(headers: HeaderList, id: string): void {
    const token = this.#token?.startsWith(id) === true ? this.#token : this.#signer().sign(id);
    this.setCookie(headers, token);
  }

  /** The end of a session moves as it is used; not each time by a write. */
  #touch(held: Held, headers: HeaderList | undefined): void | Promise<void> {
    const expiresAt = this.expiry(this.settings.now(), held.createdAt);
    const gained = expiresAt - held.record.expiresAt;
    if (gained <= 0 || gained < this.settings.touchMilliseconds) return undefined;
    return whenReady(this.#access.store.touch(held.storeId, expiresAt), () => {
      if (headers !== undefined && this.settings.rolling) this.#setIdCookie(headers, held.id);
    });
  }

  #record(version: number, createdAt: number): SessionRecord {
    return { data: `${createdAt} ${this.text()}`, version, expiresAt: this.expiry(this.settings.now(), createdAt) };
  }

  /** Writes a new session. @returns its id. */
  #create(): string | Promise<string> {
    const id = (this.#newId ??= newId());
    const createdAt = this.settings.now();
    const storeId = hashId(id);
    const record = this.#record(1, createdAt);
    this.#begin();
    return whenReady(this.#access.store.write(storeId, record), (written) => {
      if (!written)
        throw new Error("sessions: the store says that it has a session of an id that was made just now: it breaks its contract");
      this.#held = { id, storeId, record, createdAt };
      return id;
    });
  }

  /** What is in the contents is on its way to the store. @returns what may have to be done again. */
  #begin(): Changes | undefined {
    const changes = this.#changes;
    this.#changes = undefined;
    this.dirty = false;
    return changes;
  }

  /** Saves on top of what is held. */
  #update(held: Held): Saved | Promise<Saved> {
    return this.#replay(held, this.#begin(), 1, (current) => {
      const record = this.#record(current.record.version + 1, current.createdAt);
      return whenReady(this.#access.store.write(current.storeId, record), (written): Saved | undefined => {
        if (!written) return undefined;
        this.#held = { ...current, record };
        return "saved";
      });
    });
  }

  /**
   * Saves under a new id, and makes the old one worthless. The new record is whole before the old one falls, which falls by a compared write: a request that
   * is saving to it at the same time either comes before, and is taken along, or finds it gone.
   */
  #move(held: Held): Saved | Promise<Saved> {
    const { store } = this.#access;
    const id = (this.#newId ??= newId());
    const storeId = hashId(id);
    const createdAt = this.settings.now();
    let version = 0;
    this.#moving = false;
    const saving = this.#replay(held, this.#begin(), 1, (current) => {
      const record = this.#record(++version, createdAt);
      return whenReady(store.write(storeId, record), (begun) => {
        if (!begun) throw new Error("sessions: the store did not take a session under a new id: it breaks its contract");
        return whenReady(store.write(current.storeId, this.#tombstone(current.record, storeId)), (fallen): Saved | undefined => {
          if (!fallen) return undefined;
          this.#held = { id, storeId, record, createdAt };
          return "saved";
        });
      });
    });
    return whenReady(saving, (saved) => (saved === "saved" ? saved : whenReady(store.delete(storeId), () => saved)));
  }

  #tombstone({ version }: SessionRecord, storeId: string): SessionRecord {
    return { data: movedTo(storeId), version: version + 1, expiresAt: Math.floor(this.settings.now()) + movedMilliseconds };
  }

  /** Destroys a session, also where it has another id by now. By a compared write, or a request that is just moving it would carry it off. */
  #end(storeId: string, record: SessionRecord | undefined, attempt: number): void | Promise<void> {
    const { store } = this.#access;
    if (record === undefined) return undefined;
    const next = isMoved(record) ? record.data.slice(movedTo("").length) : storeId;
    const again = (): void | Promise<void> =>
      attempt === maxAttempts ? store.delete(next) : whenReady(store.read(next), (found) => this.#end(next, found, attempt + 1));
    // A tombstone that names itself is one of these, and its record will be removed by who has made it.
    if (next !== storeId) return again();
    if (isMoved(record)) return undefined;
    return whenReady(store.write(storeId, this.#tombstone(record, storeId)), (fallen) =>
      fallen ? store.delete(storeId) : again(),
    );
  }

  /** Tries to save until nobody was faster: each time on top of what the faster one has saved. A session that was destroyed meanwhile stays so. */
  #replay(
    held: Held,
    changes: Changes | undefined,
    attempt: number,
    write: (held: Held) => Saved | undefined | Promise<Saved | undefined>,
  ): Saved | Promise<Saved> {
    return whenReady(write(held), (saved): Saved | Promise<Saved> => {
      if (saved !== undefined) return saved;
      if (attempt === maxAttempts) {
        const cause = new Error(`sessions: ${maxAttempts} times in a row another request changed the session first`);
        throw new HTTPError(503, "Too many requests change this session at once.", { cause });
      }
      return whenReady(this.#access.store.read(held.storeId), (record) => {
        const createdAt = record === undefined ? undefined : this.#liveSince(record);
        const contents = record === undefined || createdAt === undefined ? undefined : this.#decode(record);
        if (record === undefined || createdAt === undefined || contents === undefined) return this.#lose();
        changes?.applyTo(contents);
        // What came in while the save was under way, on a body that streams.
        this.#changes?.applyTo(contents);
        this.replaceContents(contents);
        // Each of them fitted by itself.
        this.assertFits();
        return this.#replay({ ...held, record, createdAt }, changes, attempt + 1, write);
      });
    });
  }

  #lose(): Saved {
    this.#held = undefined;
    this.#changes = undefined;
    this.dirty = false;
    this.replaceContents(new Contents());
    return "gone";
  }

  /**
   * Does something with the store, and then the rest. Where the store fails, `onStoreError` decides.
   *
   * @throws {HTTPError} with 503.
   */
  #guard<T>(work: () => T | Promise<T>, next: (value: T) => void, otherwise: () => void): void | Promise<void> {
    const failed = (error: unknown): void => {
      const failure = storeFailure(error);
      if (failure === undefined) throw error;
      const verdict = this.settings.onStoreError(failure.cause, failure.operation, this.environ);
      // The run loop writes the cause to wsgi.errors.
      if (verdict === "fail") throw new HTTPError(503, "The session cannot be reached just now.", { cause: failure });
      logError(this.environ, failure);
      otherwise();
    };
    let value: T | Promise<T>;
    try {
      value = work();
    } catch (error) {
      return failed(error);
    }
    return isThenable(value) ? Promise.resolve(value).then(next, failed) : next(value);
  }
}
