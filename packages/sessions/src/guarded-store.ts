import { isThenable, type Environ } from "@gateway/core";
import { logError, type StoreOperation } from "./sessions-options.ts";
import type { SessionRecord, SessionStore } from "./store.ts";

/** A store that could not do its work. */
class StoreFailure extends Error {
  readonly operation: StoreOperation;

  constructor(operation: StoreOperation, cause: unknown) {
    super(`sessions: the store failed to ${operation}`, { cause });
    this.name = "StoreFailure";
    this.operation = operation;
  }
}

/** The failure of a store; `undefined` for any other error. */
export function storeFailure(error: unknown): StoreFailure | undefined {
  return error instanceof StoreFailure ? error : undefined;
}

/** A store whose errors can be told from those of the application, and which is pruned now and then. */
export class GuardedStore {
  readonly #store: SessionStore;
  readonly #pruneMilliseconds: number;
  #lastPrune: number;

  constructor(store: SessionStore, pruneMilliseconds: number, now: number) {
    this.#store = store;
    this.#pruneMilliseconds = pruneMilliseconds;
    this.#lastPrune = now;
  }

  /** Does every method answer at once? */
  get isSynchronous(): boolean {
    return this.#store.synchronous === true;
  }

  read(id: string): SessionRecord | undefined | Promise<SessionRecord | undefined> {
    try {
      return told("read", this.#store.read(id));
    } catch (error) {
      throw new StoreFailure("read", error);
    }
  }

  write(id: string, record: SessionRecord): boolean | Promise<boolean> {
    try {
      return told("write", this.#store.write(id, record));
    } catch (error) {
      throw new StoreFailure("write", error);
    }
  }

  touch(id: string, expiresAt: number): void | Promise<void> {
    try {
      return told("touch", this.#store.touch(id, expiresAt));
    } catch (error) {
      throw new StoreFailure("touch", error);
    }
  }

  delete(id: string): void | Promise<void> {
    try {
      return told("delete", this.#store.delete(id));
    } catch (error) {
      throw new StoreFailure("delete", error);
    }
  }

  /** Prunes when it is time. Nobody waits for it, and a failure is only written down. */
  pruneNow(now: number, environ: Environ): void {
    if (this.#store.prune === undefined || this.#pruneMilliseconds === Infinity) return;
    // A clock that was set back begins anew, or nothing would be pruned until it is where it was.
    if (now < this.#lastPrune) this.#lastPrune = now;
    if (now - this.#lastPrune < this.#pruneMilliseconds) return;
    this.#lastPrune = now;
    const failed = (error: unknown): void => logError(environ, new StoreFailure("prune", error));
    try {
      const pruning = this.#store.prune();
      if (isThenable(pruning)) Promise.resolve(pruning).then(undefined, failed);
    } catch (error) {
      failed(error);
    }
  }
}

/** The same result; where it is a promise, one that says which operation failed. */
function told<T>(operation: StoreOperation, result: T | Promise<T>): T | Promise<T> {
  if (!isThenable(result)) return result;
  return Promise.resolve(result).then(undefined, (error: unknown) => {
    throw new StoreFailure(operation, error);
  });
}
