import type { Environ, HeaderList } from "@gateway/core";
import type { Changes } from "./changes.ts";
import { Contents, decodeContents } from "./contents.ts";
import { findCookie } from "./cookie-header.ts";
import { LiveSession } from "./live-session.ts";
import { newId, sealedLength, type Sealed, type Sealer } from "./sealed-cookie.ts";
import type { Settings } from "./sessions-options.ts";

/** What a browser surely keeps of one cookie, name, value and attributes together (RFC 6265, section 6.1), in octets. */
const maxCookieBytes = 4096;

/** A session that is in its cookie, sealed. */
export class SealedSession<Data extends object> extends LiveSession<Data> {
  readonly #sealers: { readonly http: Sealer; readonly https: Sealer };
  /** What the request brought, if it is still good. */
  #sealed: Sealed | undefined = undefined;
  #hadCookie = false;
  /** The id of one that is new. */
  #newId: string | undefined = undefined;
  #createdAt: number | undefined = undefined;

  constructor(settings: Settings, environ: Environ, sealers: { readonly http: Sealer; readonly https: Sealer }) {
    super(settings, environ);
    this.#sealers = sealers;
  }

  get id(): string {
    this.reach();
    return this.#id();
  }

  get isNew(): boolean {
    this.reach();
    return this.#sealed === undefined;
  }

  regenerate(): void {
    this.reach();
    this.assertWritable("regenerate");
    this.#newId = newId();
    this.#createdAt = this.settings.now();
    this.dirty = true;
  }

  load(): void {}

  prepare(): void {}

  #id(): string {
    return this.#newId ?? this.#sealed?.id ?? (this.#newId = newId());
  }

  #sealer(): Sealer {
    return this.environ["wsgi.url_scheme"] === "https" ? this.#sealers.https : this.#sealers.http;
  }

  protected open(): Contents {
    const token = findCookie(this.environ.HTTP_COOKIE, this.cookieName);
    this.#hadCookie = token !== undefined;
    const sealed = typeof token === "string" ? this.#sealer().open(token) : undefined;
    if (sealed === undefined || this.#isOver(sealed)) return new Contents();
    const contents = decodeContents(sealed.payload, this.settings.serializer);
    if (contents === undefined) return new Contents();
    this.#sealed = sealed;
    return contents;
  }

  #isOver({ createdAt, issuedAt }: Sealed): boolean {
    return this.expiry(issuedAt, createdAt) <= this.settings.now();
  }

  protected assertWritable(what: string): void {
    if (this.phase === "open") return;
    throw new Error(
      `session.${what}: the head of the answer has gone, and with it the cookie that this session is kept in. Change it before, or keep sessions in a store`,
    );
  }

  protected assertFits(): void {
    const { name, attributes } = this.cookieForm();
    const length = name.length + 1 + sealedLength(Buffer.byteLength(this.text())) + attributes.length;
    if (length <= maxCookieBytes) return;
    throw new RangeError(
      `session: with this the cookie would have ${length} octets, and browsers drop one of more than ${maxCookieBytes}, name and attributes included. ` +
        "Nothing was changed. Keep less in the session, or keep sessions in a store",
    );
  }

  protected note(): Changes | undefined {
    return undefined;
  }

  protected restart(): void {
    this.#sealed = undefined;
    this.#newId = undefined;
    this.#createdAt = undefined;
  }

  protected save(headers: HeaderList): void {
    const now = this.settings.now();
    if (this.dirty) {
      this.dirty = false;
      // What is new and empty is no session.
      if (this.#sealed !== undefined || this.contents?.isEmpty === false) this.#seal(headers, now);
      else if (this.ended && this.#hadCookie) this.removeCookie(headers);
      return;
    }
    const sealed = this.#sealed;
    if (sealed === undefined || !this.settings.rolling) return;
    const gained = this.expiry(now, sealed.createdAt) - this.expiry(sealed.issuedAt, sealed.createdAt);
    if (gained > 0 && gained >= this.settings.touchMilliseconds) this.#seal(headers, now);
  }

  #seal(headers: HeaderList, now: number): void {
    const createdAt = this.#createdAt ?? this.#sealed?.createdAt ?? now;
    // The attributes may be others than when it was last measured, where a function gives them.
    this.assertFits();
    this.setCookie(headers, this.#sealer().seal({ id: this.#id(), createdAt, issuedAt: now, payload: this.text() }));
  }
}
