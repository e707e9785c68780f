import type { Environ, HeaderList, ResponseBody } from "@gateway/core";
import { isSharable, keepFromSharedCaches, varyByCookie } from "./cache-headers.ts";
import type { Changes } from "./changes.ts";
import { Contents, encodeContents, type Values } from "./contents.ts";
import type { CookieForm } from "./cookie-options.ts";
import type { Session, SessionEntry, SessionKey } from "./session.ts";
import type { Settings } from "./sessions-options.ts";
import { freezeStored, type Stored } from "./stored-value.ts";

/** The last moment that a `Date` can tell; more is "never". */
const lastMoment = 8_640_000_000_000_000;

/** How far the answer is: nothing decided; its head has gone and its body is on the way; all of it is out of the layer's hands. */
type Phase = "open" | "streaming" | "over";

/** The session of one request, whatever keeps it: the methods the application calls, and what they leave for the layer to do. */
export abstract class LiveSession<Data extends object> implements Session<Data> {
  protected readonly settings: Settings;
  protected readonly environ: Environ;
  protected phase: Phase = "open";
  /** Something of it has been used, so the answer depends on it. */
  protected touched = false;
  protected skipped = false;
  /** Something of it has changed since it was last saved. */
  protected dirty = false;
  /** `destroy()` was called. */
  protected ended = false;
  /** What is in it, from the first use on. */
  protected contents: Contents | undefined = undefined;
  /** The text of the contents, where it is known. */
  #text: string | undefined = undefined;
  /** The head, where it has gone. */
  #headers: HeaderList | undefined = undefined;
  /** The keys of what was left for the next request, and so is not for this one. */
  #flashed: Set<string> | undefined = undefined;

  constructor(settings: Settings, environ: Environ) {
    this.settings = settings;
    this.environ = environ;
  }

  abstract get id(): string;
  abstract get isNew(): boolean;
  abstract regenerate(): void;
  abstract load(): void | Promise<void>;

  /** The contents, on first use. @throws {Error} where they have not been loaded. */
  protected abstract open(): Contents;
  /** @throws {Error} where what is put into the session now could not be saved any more. */
  protected abstract assertWritable(what: string): void;
  /** @throws {RangeError} where the session has become too large. */
  protected abstract assertFits(): void;
  /** Where the changes are noted, for a session that others may change at the same time. */
  protected abstract note(): Changes | undefined;
  /** Saves what has changed, and sets the cookie. The session has been used. */
  protected abstract save(headers: HeaderList): void | Promise<void>;
  /** Begins again: empty, with a new id. */
  protected abstract restart(): void;

  get<K extends SessionKey<Data>>(key: K): Stored<Data[K]> | undefined {
    // What is in a session is what the application has put there: its type is a promise of the application, here and below.
    return freezeStored(this.reach().data.get(key)) as Stored<Data[K]> | undefined;
  }

  has(key: SessionKey<Data>): boolean {
    return this.reach().data.has(key);
  }

  entries<Entry = SessionEntry<Data>>(): IterableIterator<Entry> {
    const entries = Object.entries(this.reach().data.record);
    for (const entry of entries) freezeStored(entry[1]);
    return (entries as readonly unknown[] as readonly Entry[]).values();
  }

  set<K extends SessionKey<Data>>(key: K, value: Stored<Data[K]>): void {
    const contents = this.#writable("set");
    const copy = this.settings.copy(value, `set("${key}")`);
    this.#put(contents.data, key, copy);
    this.changed()?.set(key, copy);
  }

  update<K extends SessionKey<Data>>(
    key: K,
    change: (value: Stored<Data[K]> | undefined) => Stored<Data[K]> | undefined,
  ): Stored<Data[K]> | undefined {
    const contents = this.#writable("update");
    const { copy } = this.settings;
    const step = (old: unknown): unknown => {
      const value = change(freezeStored(old) as Stored<Data[K]> | undefined);
      return value === undefined ? undefined : copy(value, `update("${key}")`);
    };
    const value = step(contents.data.get(key));
    if (value === undefined) this.#remove(contents.data, key);
    else this.#put(contents.data, key, value);
    this.changed()?.update(key, step, value);
    return value as Stored<Data[K]> | undefined;
  }

  delete(key: SessionKey<Data>): boolean {
    if (!this.reach().data.has(key)) return false;
    const contents = this.#writable("delete");
    this.#remove(contents.data, key);
    this.changed()?.delete(key);
    return true;
  }

  clear(): void {
    if (this.reach().isEmpty) return;
    const contents = this.#writable("clear");
    contents.data.clear();
    contents.flash.clear();
    this.#text = undefined;
    this.changed()?.clear();
  }

  flash<K extends SessionKey<Data>>(
    key: K,
    ...given: readonly [] | readonly [value: Stored<Data[K]>]
  ): Stored<Data[K]> | undefined {
    if (given.length === 0) return this.#takeFlash(key);
    const contents = this.#writable("flash");
    const copy = this.settings.copy(given[0], `flash("${key}")`);
    this.#put(contents.flash, key, copy);
    (this.#flashed ??= new Set()).add(key);
    this.changed()?.setFlash(key, copy);
    return undefined;
  }

  #takeFlash<K extends SessionKey<Data>>(key: K): Stored<Data[K]> | undefined {
    const value = this.reach().flash.get(key);
    if (value === undefined || this.#flashed?.has(key) === true) return undefined;
    const contents = this.#writable("flash");
    this.#remove(contents.flash, key);
    this.changed()?.takeFlash(key);
    return freezeStored(value) as Stored<Data[K]>;
  }

  destroy(): void {
    this.reach();
    if (this.phase !== "open") this.assertWritable("destroy");
    this.ended = true;
    this.replaceContents(new Contents());
    this.#flashed = undefined;
    this.restart();
    this.dirty = true;
  }

  skipSave(): void {
    this.skipped = true;
  }

  // For the layer.

  /** Before the application runs. */
  abstract prepare(): void | Promise<void>;

  /**
   * The head is known, and has not gone: saves, and adds to it what it needs. What is done from now on comes too late for the head.
   *
   * @param whole whether the body is known as well.
   */
  commit(headers: HeaderList, whole: boolean): void | Promise<void> {
    this.phase = whole ? "over" : "streaming";
    this.#headers = headers;
    if (!this.touched) return undefined;
    varyByCookie(headers);
    return this.skipped ? undefined : this.save(headers);
  }

  /** The body, where something of it has to wait for the session. */
  follow(body: ResponseBody, _headers: HeaderList): ResponseBody {
    return body;
  }

  /** Has the application used it? */
  get isTouched(): boolean {
    return this.touched;
  }

  // For those that keep it.

  /** The contents, for looking at them. */
  protected reach(): Contents {
    if (!this.touched) {
      if (this.phase === "streaming") this.#assertNotShared();
      this.touched = true;
    }
    return (this.contents ??= this.open());
  }

  protected replaceContents(contents: Contents): void {
    this.contents = contents;
    this.#text = undefined;
  }

  /** The contents as text. */
  protected text(): string {
    return (this.#text ??= encodeContents(this.contents ?? new Contents(), this.settings.serializer));
  }

  protected changed(): Changes | undefined {
    this.dirty = true;
    return this.note();
  }

  protected cookieForm(): CookieForm {
    return this.settings.cookie.form(this.environ);
  }

  protected get cookieName(): string {
    const { names } = this.settings;
    return this.environ["wsgi.url_scheme"] === "https" ? names.https : names.http;
  }

  protected setCookie(headers: HeaderList, value: string): void {
    const form = this.cookieForm();
    if (form.refusal !== undefined) throw new Error(form.refusal);
    headers.push(["Set-Cookie", `${form.name}=${value}${form.attributes}`]);
    keepFromSharedCaches(headers);
  }

  protected removeCookie(headers: HeaderList): void {
    headers.push(["Set-Cookie", this.cookieForm().removal]);
    keepFromSharedCaches(headers);
  }

  /** When a session that is used now, and began then, is over: a time that every store can hold. */
  protected expiry(now: number, createdAt: number): number {
    const { idleMilliseconds, absoluteMilliseconds } = this.settings;
    return Math.floor(Math.min(now + idleMilliseconds, createdAt + absoluteMilliseconds, lastMoment));
  }

  #writable(what: string): Contents {
    const contents = this.reach();
    this.assertWritable(what);
    const { refusal } = this.cookieForm();
    if (refusal !== undefined) throw new Error(refusal);
    return contents;
  }

  #put(values: Values, key: string, value: unknown): void {
    const before = values.get(key);
    values.set(key, value);
    this.#text = undefined;
    try {
      this.assertFits();
    } catch (error) {
      if (before === undefined) values.delete(key);
      else values.set(key, before);
      this.#text = undefined;
      throw error;
    }
  }

  #remove(values: Values, key: string): void {
    values.delete(key);
    this.#text = undefined;
  }

  /** Nobody said that the answer depends on the cookie, and its head has gone: a shared cache would give it to everybody. */
  #assertNotShared(): void {
    const method = this.environ.REQUEST_METHOD;
    if ((method !== "GET" && method !== "HEAD") || this.#headers === undefined || !isSharable(this.#headers)) return;
    throw new Error(
      "session: it is used for the first time after the head has gone without Vary: Cookie, so a shared cache might give this answer to others. " +
        "Look at it before the body begins (session.isNew is enough), or answer with Cache-Control: private",
    );
  }
}
