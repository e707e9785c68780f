import type { Contents, Values } from "./contents.ts";

/** Makes a new value of the old one. Called again, with what another request has saved meanwhile, where two requests meet. */
type Change = (value: unknown) => unknown;

/** What a request did to one key. */
type KeyChange =
  | { readonly kind: "set"; readonly value: unknown }
  | { readonly kind: "delete" }
  | { readonly kind: "update"; readonly changes: readonly Change[] };

const removed: KeyChange = { kind: "delete" };

/**
 * What one request changed, key by key, so that it can be done again on top of what another request has saved meanwhile: requests that
 * change different keys both keep what they did.
 */
export class Changes {
  #cleared = false;
  readonly #data = new Map<string, KeyChange>();
  readonly #flash = new Map<string, KeyChange>();

  set(key: string, value: unknown): void {
    this.#data.set(key, { kind: "set", value });
  }

  delete(key: string): void {
    this.#data.set(key, removed);
  }

  update(key: string, change: Change, value: unknown): void {
    const known = this.#data.get(key);
    // What this request itself has put there does not depend on what others do.
    if (known === undefined ? this.#cleared : known.kind !== "update") this.#put(key, value);
    else this.#data.set(key, { kind: "update", changes: known?.kind === "update" ? [...known.changes, change] : [change] });
  }

  #put(key: string, value: unknown): void {
    if (value === undefined) this.delete(key);
    else this.set(key, value);
  }

  clear(): void {
    this.#cleared = true;
    this.#data.clear();
    this.#flash.clear();
  }

  setFlash(key: string, value: unknown): void {
    this.#flash.set(key, { kind: "set", value });
  }

  takeFlash(key: string): void {
    // Read after it was set: what was read is an earlier one, and this one waits for the next request.
    if (this.#flash.get(key)?.kind !== "set") this.#flash.set(key, removed);
  }

  /** The same changes, made to other contents. Changes those. */
  applyTo(contents: Contents): void {
    if (this.#cleared) {
      contents.data.clear();
      contents.flash.clear();
    }
    apply(this.#data, contents.data);
    apply(this.#flash, contents.flash);
  }
}

function apply(changes: ReadonlyMap<string, KeyChange>, values: Values): void {
  for (const [key, change] of changes) {
    const value = change.kind === "update" ? change.changes.reduce((old, step) => step(old), values.get(key)) : valueOf(change);
    if (value === undefined) values.delete(key);
    else values.set(key, value);
  }
}

function valueOf(change: Exclude<KeyChange, { kind: "update" }>): unknown {
  return change.kind === "set" ? change.value : undefined;
}
