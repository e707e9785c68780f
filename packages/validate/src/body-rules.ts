import { breach } from "./breach.ts";
import { isBytes } from "./bytes.ts";
import type { HeadFacts } from "./head-rules.ts";
import { Seals } from "./seals.ts";
import { Fact } from "./show.ts";

/** How far one response has come, and what its bytes must be like: the rules of the body without the body. */
export class ResponseRules {
  /** `startResponse` was called, even if that was refused. */
  started = false;
  /** The head that the server took. */
  head: HeadFacts | undefined = undefined;
  /** The application has returned its body. */
  returned = false;
  /** `close()` was called. */
  closed = false;
  /** Calls of the body that have not settled: until they have, the application may still be at work after `close()`. */
  running = 0;
  /** The server has taken bytes of the body, so that the head is gone. */
  bytesTaken = false;
  /** `startResponse` threw `excInfo` back: that must not be caught. */
  thrownBack = false;
  readonly seals: Seals = new Seals();

  readonly #isHead: boolean;
  #given = 0;
  #late: { readonly error: unknown } | undefined = undefined;

  constructor(isHead: boolean) {
    this.#isHead = isHead;
  }

  /** Nothing of the application may be running any more. */
  get released(): boolean {
    return this.closed && this.running === 0;
  }

  /** Remembers a breach that was found while nobody was there to be told. */
  postpone(error: unknown): void {
    this.#late ??= { error };
  }

  /** Tells a breach that was found earlier. */
  throwLate(): void {
    const late = this.#late;
    this.#late = undefined;
    if (late !== undefined) throw late.error;
  }

  /** A chunk that is not empty is about to be handed over. */
  bytes(chunk: Uint8Array): void {
    if (this.thrownBack) breach("A18", new Fact("more bytes"));
    else if (this.head === undefined) breach("A4", chunk);
    else this.#checkCount(this.head, this.#given + chunk.byteLength, false);
    this.#given += chunk.byteLength;
  }

  /** A buffered body is about to be handed over. */
  array(body: readonly unknown[]): void {
    const wrong = body.find((chunk) => !isBytes(chunk));
    if (this.thrownBack) breach("A18", new Fact("a body"));
    else if (this.head === undefined) breach("A4", body);
    else if (wrong !== undefined || body.includes(undefined)) breach("A25", wrong);
    else this.#checkCount(this.head, this.#given + lengthOf(body), true);
    for (const chunk of body) if (isBytes(chunk)) this.seals.add(chunk, Infinity);
  }

  /** A streamed body has ended by itself. */
  end(): void {
    if (this.thrownBack) breach("A18", new Fact("the end of the body"));
    else if (this.head === undefined) this.#endWithoutHead();
    else this.#checkCount(this.head, this.#given, true);
  }

  #endWithoutHead(): void {
    // Where bytes came before the head, that was the breach.
    if (this.#given === 0) breach("A5", new Fact("the end of the body"));
  }

  #checkCount({ bodiless, length, hasType }: HeadFacts, count: number, isAll: boolean): void {
    // What is answered to HEAD is dropped by the server, so it may be anything.
    if (this.#isHead || count === 0) return this.#checkEmpty(bodiless, length, isAll);
    if (bodiless) breach("A24", new Fact(`a body of ${count} bytes`));
    else if (length !== -1 && (count > length || (isAll && count < length)))
      breach("A23", new Fact(`${count} bytes for ${length}`));
    else if (!hasType) breach("A19", new Fact(`a body of ${count} bytes without one`));
  }

  #checkEmpty(bodiless: boolean, length: number, isAll: boolean): void {
    if (isAll && length > 0 && !bodiless && !this.#isHead) breach("A23", new Fact(`0 bytes for ${length}`));
  }
}

function lengthOf(body: readonly unknown[]): number {
  let length = 0;
  for (const chunk of body) if (isBytes(chunk)) length += chunk.byteLength;
  return length;
}

/** Checks what an application returned: rules A2, A3 and A28. @returns whether it is a body that can be watched. */
export function checkBody(body: unknown): boolean {
  if (typeof body === "string" || isBytes(body)) {
    breach("A3", body);
    return false;
  }
  if (typeof body !== "object" || body === null || !(isIterable(body, Symbol.iterator) || isIterable(body, Symbol.asyncIterator))) {
    breach("A2", body);
    return false;
  }
  const close: unknown = Reflect.get(body, "close");
  if (close !== undefined && typeof close !== "function") breach("A28", close);
  return true;
}

function isIterable(body: object, symbol: symbol): boolean {
  return typeof Reflect.get(body, symbol) === "function";
}

/** Checks one result of `next()`: rules A25 and A26, and what follows from the bytes. */
export function checkStep(step: unknown, rules: ResponseRules): "bytes" | "empty" | "end" {
  if (typeof step !== "object" || step === null || !isDone(step)) {
    breach("A26", step);
    return "empty";
  }
  if ("done" in step && step.done === true) {
    rules.end();
    return "end";
  }
  const chunk: unknown = "value" in step ? step.value : undefined;
  if (!isBytes(chunk)) breach("A25", chunk);
  else if (chunk.byteLength > 0) {
    rules.bytes(chunk);
    rules.seals.add(chunk);
    return "bytes";
  }
  return "empty";
}

/** `done` may be missing, which means false. */
function isDone(step: object): boolean {
  const done: unknown = Reflect.get(step, "done");
  return done === undefined || typeof done === "boolean";
}
