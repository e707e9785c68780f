import { isThenable, type ResponseBody } from "@gateway/core";
import { checkStep, type ResponseRules } from "./body-rules.ts";
import { breach } from "./breach.ts";
import { Fact } from "./show.ts";
import { ValidatedInput } from "./streams.ts";

type BodyIterator = Iterator<Uint8Array> | AsyncIterator<Uint8Array>;
type Step = IteratorResult<Uint8Array> | Promise<IteratorResult<Uint8Array>>;

/** The same body, of the same kind, with both sides of it watched. Chunks are handed on as they are. */
export function validatedBody(body: ResponseBody, rules: ResponseRules): ResponseBody {
  const watched = new WatchedBody(body, rules);
  const close = (): void | Promise<void> => watched.close();
  // A copy: the application's array may be a constant that serves every request.
  if (Array.isArray(body)) return Object.assign([...(body as readonly Uint8Array[])], { close });
  if (Symbol.asyncIterator in body && typeof body[Symbol.asyncIterator] === "function") {
    const open = (): BodyIterator => body[Symbol.asyncIterator]();
    return { [Symbol.asyncIterator]: () => watched.iterate(open, true) as AsyncIterator<Uint8Array>, close };
  }
  const open = (): BodyIterator => (body as Iterable<Uint8Array>)[Symbol.iterator]();
  return { [Symbol.iterator]: () => watched.iterate(open, false) as Iterator<Uint8Array>, close };
}

/** One body between the application that made it and the server that takes it. */
class WatchedBody {
  readonly #body: ResponseBody;
  readonly #rules: ResponseRules;
  #iterator: BodyIterator | undefined = undefined;
  #pending = 0;
  /** `next()` was called, and neither ended nor threw since. */
  #unfinished = false;
  #returned = false;
  /** It was the validator that broke the iteration off: the server takes the iterator for finished, and will not return it. */
  #brokenOff = false;
  #lastHadBytes = false;

  constructor(body: ResponseBody, rules: ResponseRules) {
    this.#body = body;
    this.#rules = rules;
  }

  iterate(open: () => BodyIterator, isAsync: boolean): BodyIterator {
    if (this.#iterator !== undefined) breach("G51", new Fact("a second iterator"));
    const iterator = open();
    this.#iterator = iterator;
    if (typeof iterator !== "object" || iterator === null || typeof iterator.next !== "function") {
      breach("A26", iterator);
      return iterator;
    }
    const watched: { next(): Step; return?(value?: Uint8Array): Step } = { next: () => this.#next(iterator, isAsync) };
    if (typeof iterator.return === "function") watched.return = (value) => this.#return(iterator, value);
    return watched as BodyIterator;
  }

  #next(iterator: BodyIterator, isAsync: boolean): Step {
    const rules = this.#rules;
    if (this.#returned || rules.closed) breach("G53", new Fact(rules.closed ? "next() after close()" : "next() after return()"));
    else if (this.#pending > 0) breach("G52", new Fact("a second next()"));
    // The server comes back for more, so it has taken what it got.
    if (this.#lastHadBytes) rules.bytesTaken = true;
    this.#checking(() => {
      rules.throwLate();
      rules.seals.check();
    });
    this.#unfinished = true;
    this.#pending++;
    rules.running++;
    let step: Step;
    try {
      step = iterator.next();
    } catch (error) {
      this.#settled();
      this.#unfinished = false;
      throw error;
    }
    if (!isThenable(step)) {
      this.#settled();
      if (isAsync) this.#checking(() => breach("A26", step));
      return this.#checked(step);
    }
    return this.#wait(step, isAsync);
  }

  #wait(step: Promise<IteratorResult<Uint8Array>>, isAsync: boolean): Step {
    const waited = step.then(
      (settled) => {
        this.#settled();
        return this.#checked(settled);
      },
      (error: unknown) => {
        this.#settled();
        this.#unfinished = false;
        throw error;
      },
    );
    if (isAsync) return waited;
    waited.then(undefined, () => {}); // nobody gets it
    this.#checking(() => breach("A26", step));
    return waited;
  }

  #settled(): void {
    this.#pending--;
    this.#rules.running--;
  }

  #checked(step: IteratorResult<Uint8Array>): IteratorResult<Uint8Array> {
    const rules = this.#rules;
    // Nobody wants it any more: a generator that was returned ends early, and rightly so.
    if (this.#returned || rules.closed) return step;
    this.#checking(() => {
      rules.seals.check();
      // An end is the end, even if it should not have come.
      if (typeof step === "object" && step !== null && step.done === true) this.#unfinished = false;
      this.#lastHadBytes = checkStep(step, rules) === "bytes";
    });
    return step;
  }

  #checking(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#brokenOff = true;
      throw error;
    }
  }

  #return(iterator: BodyIterator, value: Uint8Array | undefined): Step {
    if (this.#returned) breach("G56", new Fact("a second return()"));
    else if (this.#rules.closed) breach("G56", new Fact("return() after close()"));
    this.#returned = true;
    const step = iterator.return?.(value) ?? { done: true, value };
    return this.#untilSettled(step);
  }

  close(): void | Promise<void> {
    const rules = this.#rules;
    if (rules.closed) breach("G54", new Fact("a second close()"));
    rules.closed = true;
    const found = caught(() => this.#checkClose());
    // Whoever breaks off hands on return(): here that is the validator.
    if (this.#brokenOff && this.#unfinished && !this.#returned) this.#returnQuietly();
    const closing = this.#untilSettled(this.#closeBody());
    if (found === undefined) return closing;
    if (!isThenable(closing)) throw found.error;
    return closing.then(() => {
      throw found.error;
    });
  }

  #closeBody(): void | Promise<void> {
    // An application may return wsgi.input, which has no close() but the one that says so.
    if (this.#body instanceof ValidatedInput) return;
    const close: unknown = this.#body.close;
    if (typeof close === "function") return this.#body.close?.();
  }

  #checkClose(): void {
    this.#rules.throwLate();
    this.#rules.seals.check();
    const mustReturn = this.#unfinished && !this.#returned && !this.#brokenOff;
    if (mustReturn && typeof this.#iterator?.return === "function") breach("G56", new Fact("close() without return()"));
  }

  #returnQuietly(): void {
    try {
      const returned: unknown = this.#iterator?.return?.();
      if (isThenable(returned)) this.#untilSettled(returned.then(undefined, () => {}));
    } catch {
      // The breach that broke the iteration off is the error to tell.
    }
  }

  /** The same, counted among what is running until it has settled. */
  #untilSettled<T>(result: T): T {
    if (!isThenable<unknown>(result)) return result;
    const rules = this.#rules;
    rules.running++;
    const done = (): void => {
      rules.running--;
    };
    result.then(done, done);
    return result;
  }
}

function caught(check: () => void): { readonly error: unknown } | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return { error };
  }
}
