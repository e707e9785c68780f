import type { Application, Environ, HeaderList, ResponseBody, StartResponse } from "./contract.ts";
import { type Ending, ExchangeAborted } from "./exchange.ts";
import type { Head } from "./head.ts";
import { run } from "./run.ts";
import type { Running, Sink } from "./sink.ts";
import { setupTestingDefaults } from "./testing-defaults.ts";

export type SinkCall = "head" | "write" | "end" | "abort";

/** A promise and what settles it (`Promise.withResolvers`, which Node 20 lacks). */
export function deferred<T = void>(): { promise: Promise<T>; resolve(value: T): void; reject(reason: unknown): void } {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}

/** Lets everything happen that waits for nothing from outside. */
export async function microtasks(count = 50): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** A sink that writes down what it is told, waits and breaks off where the test says so, and finds out whether `run` owes it anything. */
export class TestSink implements Sink {
  /** `["head 200 OK", "write abc", "end"]` */
  readonly calls: string[] = [];
  /** What `run` did that it must not do. */
  readonly breaches: string[] = [];
  readonly hints: HeaderList[] = [];
  /** The head as it was when it came. */
  received: Readonly<Head> | undefined = undefined;
  /** What was written, as latin-1. */
  body = "";
  reason: unknown = undefined;
  /** The client is gone. */
  isGone = false;

  /** Whether the next `write` returns a promise, for `unblock` to resolve. */
  blocking = false;
  /** Whether `end` returns a promise, for `unblock` to resolve. */
  endPending = false;
  /** Runs inside a call, with its number: the first `write` is 1. */
  inside: (call: SinkCall, count: number) => void = () => {};

  #live: Head | undefined = undefined;
  #over = false;
  readonly #counts: Record<SinkCall, number> = { head: 0, write: 0, end: 0, abort: 0 };
  readonly #waiting: (() => void)[] = [];

  head(head: Head): void {
    this.#note("head", `head ${head.status}`);
    if (this.#counts.head > 1) this.#breach("a second head");
    this.#live = head;
    this.received = { ...head, headers: head.headers.map(([name, value]) => [name, value]) };
    for (const [name, value] of head.headers) {
      if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) this.#breach(`the name ${JSON.stringify(name)}`);

      if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) this.#breach(`the value ${JSON.stringify(value)}`);
    }
    this.inside("head", this.#counts.head);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const text = Buffer.from(chunk).toString("latin1");
    this.#note("write", `write ${text}`);
    if (this.received === undefined) return this.#breach("a chunk before the head");
    if (chunk.byteLength === 0) this.#breach("an empty chunk");
    this.body += text;
    if (this.received.length !== -1 && this.body.length > this.received.length) this.#breach("too many bytes");
    this.inside("write", this.#counts.write);
    return this.blocking && !this.isGone ? this.#wait() : undefined;
  }

  end(): void | Promise<void> {
    this.#note("end", "end");
    if (this.received === undefined) return this.#breach("an end without a head");
    if (this.received.length !== -1 && this.body.length !== this.received.length) this.#breach("too few bytes");
    this.#checkHeld();
    this.#over = true;
    this.inside("end", this.#counts.end);
    return this.endPending && !this.isGone ? this.#wait() : undefined;
  }

  abort(reason: unknown): void {
    this.#note("abort", "abort");
    if (this.received === undefined) this.#breach("an abort without a head");
    this.#checkHeld();
    this.#over = true;
    this.reason = reason;
    this.inside("abort", this.#counts.abort);
  }

  earlyHints(headers: HeaderList): void {
    if (this.received !== undefined) this.#breach("hints after the head");
    if (this.isGone) this.#breach("hints after gone");
    this.hints.push(headers.map(([name, value]) => [name, value]));
  }

  /** Was it told `end` or `abort`? */
  get isOver(): boolean {
    return this.#over;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** The client can take more. */
  unblock(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  header(name: string): string[] {
    return (this.received?.headers ?? [])
      .filter((header) => header[0].toLowerCase() === name.toLowerCase())
      .map((header) => header[1]);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #note(call: SinkCall, text: string): void {
    this.calls.push(text);
    this.#counts[call]++;
    if (this.#over) this.#breach(`${call} after the end`);
    if (this.isGone) this.#breach(`${call} after gone`);
  }

  /** A sink may hold the head back until the end: nobody may change it any more. */
  #checkHeld(): void {
    if (JSON.stringify(this.#live?.headers) !== JSON.stringify(this.received?.headers))
      this.#breach("the head changed after it was sent");
  }

  #breach(text: string): void {
    this.breaches.push(`${text} (after ${this.calls.join(", ")})`);
  }
}

/** One request on its way through `run`, and all that can be seen of it. */
export class TestExchange {
  readonly sink: TestSink;
  readonly environ: Environ;
  /** What the first listener of `onEnd` was told. */
  readonly endings: Ending[] = [];
  /** What went to `wsgi.errors`. */
  errors = "";
  /** What `run` returned. */
  running: Running | undefined = undefined;
  readonly reason: ExchangeAborted = new ExchangeAborted("CLIENT_GONE");

  /** @param prepare is given the exchange before the application is called. */
  constructor(app: Application, method = "GET", prepare: (exchange: TestExchange) => void = () => {}) {
    this.sink = new TestSink();
    const write = (text: string): void => {
      this.errors += text;
    };
    this.environ = setupTestingDefaults({
      REQUEST_METHOD: method,
      "wsgi.errors": { write, writelines: (lines) => [...lines].forEach(write), flush() {} },
    });
    prepare(this);
    const watched = (environ: Environ, startResponse: StartResponse): ResponseBody | Promise<ResponseBody> => {
      environ["gateway.exchange"].onEnd((ending) => this.endings.push(ending));
      return app(environ, startResponse);
    };
    this.running = run(watched, this.environ, this.sink);
  }

  get ending(): Ending | undefined {
    return this.endings[0];
  }

  /** The client leaves: what a gateway does then. */
  leave(unsentBytes?: number): void {
    this.sink.isGone = true;
    this.running?.gone(this.reason, unsentBytes);
    this.sink.unblock();
  }

  /** Waits until all is over. */
  async done(): Promise<this> {
    await this.running?.done;
    return this;
  }
}

/** Runs an application to its end. */
export function respond(app: Application, method?: string, prepare?: (exchange: TestExchange) => void): Promise<TestExchange> {
  return new TestExchange(app, method, prepare).done();
}

/** Text as bytes. */
export function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** Headers of a plain text. */
export function plain(): HeaderList {
  return [["Content-Type", "text/plain"]];
}

/** A source that gives what the test pushes when the test pushes it, and writes down what it is asked. */
export class TestSource implements AsyncIterator<Uint8Array> {
  /** `["next", "return", "close"]` */
  readonly calls: string[] = [];
  readonly #steps: (() => Promise<IteratorResult<Uint8Array>>)[] = [];
  readonly #asked: ((step: Promise<IteratorResult<Uint8Array>>) => void)[] = [];

  push(text: string): void {
    this.#give(async () => ({ done: false, value: bytes(text) }));
  }

  finish(): void {
    this.#give(async () => ({ done: true, value: undefined }));
  }

  fail(error: unknown): void {
    this.#give(() => Promise.reject(error));
  }

  #give(step: () => Promise<IteratorResult<Uint8Array>>): void {
    const asked = this.#asked.shift();
    if (asked === undefined) this.#steps.push(step);
    else asked(step());
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    this.calls.push("next");
    const step = this.#steps.shift();
    if (step !== undefined) return step();
    return new Promise((resolve) => this.#asked.push(resolve));
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.calls.push("return");
    return { done: true, value: undefined };
  }

  close(): void {
    this.calls.push("close");
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A synchronous body that writes down what it is asked. */
export class TestBody implements Iterator<Uint8Array> {
  readonly calls: string[] = [];
  readonly #chunks: Iterator<string>;

  constructor(chunks: Iterable<string>) {
    this.#chunks = chunks[Symbol.iterator]();
  }

  next(): IteratorResult<Uint8Array> {
    this.calls.push("next");
    const step = this.#chunks.next();
    return step.done === true ? { done: true, value: undefined } : { done: false, value: bytes(step.value) };
  }

  return(): IteratorResult<Uint8Array> {
    this.calls.push("return");
    return { done: true, value: undefined };
  }

  close(): void {
    this.calls.push("close");
  }

  [Symbol.iterator](): this {
    return this;
  }
}
