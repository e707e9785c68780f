import type { Application, Environ, ErrorStream, HeaderList, ResponseBody, StartResponse, Write } from "./contract.ts";
import { assertBytes, iteratorOf, leave, type BodyIterator } from "./chunks.ts";
import { isDeparture, isNoNews } from "./departure.ts";
import type { Ending } from "./exchange.ts";
import { checkHead, checkHeaders, checkHints, dropContentLength, markSent, Seen, type Head } from "./head.ts";
import { errorPage } from "./error-page.ts";
import { flat, isSame } from "./header-strings.ts";
import { report } from "./report.ts";
import { RunningExchange } from "./running-exchange.ts";
import type { Running, Sink } from "./sink.ts";
import { isThenable } from "./thenable.ts";
import { callListener, Watchers } from "./watchers.ts";

const noStrings: readonly string[] = [];

/**
 * Runs an application for one request and sends what it answers to the sink: the one place that knows the life of a response
 * (PEP 3333, "The Server/Gateway Side"). Puts the exchange of the request into `environ["gateway.exchange"]`. Never throws.
 *
 * For an application that answers synchronously, and a sink that takes it so, no promise is made, and all is over on return.
 *
 * @returns `undefined` when all is over, `close()` included; else what the gateway must tell when the client leaves.
 */
export function run(app: Application, environ: Environ, sink: Sink): Running | undefined {
  const response = new RunningResponse(environ, sink);
  environ["gateway.exchange"] = new RunningExchange(response);
  try {
    const answer = app(environ, response.startResponse);
    if (!isThenable(answer)) {
      response.respond(answer);
    } else {
      // Not answer.then(): what only looks like a promise might call back at once, or twice.
      Promise.resolve(answer).then(
        (body) => response.respond(body),
        (error: unknown) => response.threw(error),
      );
    }
  } catch (error) {
    response.threw(error);
  }
  return response.over ? undefined : response;
}

/**
 * One response on its way: `startResponse` → body handed over → head → chunks → end → `close()` → listeners.
 *
 * Fields are `private` and not `#private`: one of these is made for every request, and the former cost half as much.
 */
class RunningResponse implements Running {
  /** All is over: the body closed, the listeners told. */
  over = false;

  private readonly sink: Sink;
  /** As it came: a layer may put another one in its place. */
  private readonly errors: ErrorStream;
  private readonly environ: Environ;
  /** By the method as it came: a layer may change what the application sees. */
  private readonly isHead: boolean;
  private head: Head | undefined = undefined;
  /** The pairs that were checked: what is sent must be what was checked, whatever became of the list since. */
  private checked: readonly string[] = noStrings;
  private headSent = false;
  private sent = 0;
  private write: Write | undefined = undefined;
  /** What the last `write()` waits for. */
  private lastWrite: void | Promise<void> = undefined;
  /** The application has handed over a body, or thrown. */
  private returned = false;
  private body: ResponseBody | undefined = undefined;
  /** What is being pulled; `undefined` before, and after the end of it. */
  private iterator: BodyIterator | undefined = undefined;
  /** Inside `next()`: a generator that is running can be neither returned nor closed. */
  private pulling = false;
  /** Nothing more goes to the sink: it was told `end` or `abort`, or the client is gone. */
  private ended = false;
  /** Set when that is certain: an `end` may be pending for long, and the client leave meanwhile. */
  private outcome: Ending["outcome"] | undefined = undefined;
  private reason: unknown = undefined;
  private released = false;
  private abortReason: unknown = undefined;
  private controller: AbortController | undefined = undefined;
  private watchers: Watchers | undefined = undefined;
  private resolveDone: (() => void) | undefined = undefined;
  private donePromise: Promise<void> | undefined = undefined;

  constructor(environ: Environ, sink: Sink) {
    this.sink = sink;
    this.errors = environ["wsgi.errors"];
    this.environ = environ;
    this.isHead = environ.REQUEST_METHOD === "HEAD";
  }

  // What the application calls.

  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    if (this.headSent) {
      if (excInfo !== undefined) throw excInfo;
      throw new Error("startResponse was called after the head had been sent");
    }
    if (this.head !== undefined && excInfo === undefined) throw new Error("startResponse was called again without excInfo");
    const head = checkHead(status, headers);
    this.head = head;
    this.checked = flat(headers);
    this.write ??= (chunk) => this.writeNow(chunk);
    return this.write;
  };

  private writeNow(chunk: Uint8Array): void | Promise<void> {
    if (this.outcome === "gone") throw this.reason;
    if (this.ended) throw new Error("write() was called after the response had ended");
    if (this.returned) throw new Error("write() was called after the body had been returned: yield the bytes from it");
    assertBytes(chunk);
    if (chunk.byteLength === 0) return;
    try {
      this.before(chunk);
    } catch (error) {
      this.fail(error);
      throw error;
    }
    // The client may leave while the head goes out.
    if (this.ended) throw this.reason;
    if (this.head?.bodiless === true) return;
    this.sent += chunk.byteLength;
    this.lastWrite = this.sink.write(chunk);
    return this.lastWrite;
  }

  signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.abortReason !== undefined) this.controller.abort(this.abortReason);
    }
    return this.controller.signal;
  }

  watch(listener: (ending: Ending) => void): void {
    if (typeof listener !== "function") throw new TypeError("onEnd takes a function");
    if (this.over) return callListener(listener, this.ending(), (error) => this.report(error));
    this.watchers ??= new Watchers();
    this.watchers.add(listener);
  }

  earlyHints(headers: HeaderList): void {
    checkHints(headers);
    if (this.headSent || this.ended) return;
    this.sink.earlyHints?.(headers);
  }

  // What the application gives back.

  /** The application threw, or its promise rejected. */
  threw(error: unknown): void {
    this.returned = true;
    this.fail(error);
  }

  /** The application handed over its body. */
  respond(body: ResponseBody): void {
    this.returned = true;
    this.body = body;
    // The client left while the application worked, or write() broke off: the body is only closed.
    if (this.ended) return this.release();
    try {
      if (Array.isArray(body) && !this.headSent) return this.sendArray(body);
      this.pulling = true;
      this.iterator = iteratorOf(body);
      this.pulling = false;
    } catch (error) {
      this.pulling = false;
      return this.fail(error);
    }
    this.resume(this.lastWrite, () => this.pump());
  }

  /** A buffered body: its length is known before the head goes out. */
  private sendArray(body: readonly Uint8Array[]): void {
    const head = this.currentHead("the application returned an array without having called startResponse");
    let length = 0;
    for (let i = 0; i < body.length; i++) {
      const chunk = body[i];
      assertBytes(chunk);
      length += chunk.byteLength;
    }
    if (head.length !== -1 && head.length !== length && this.isCounted(head)) {
      throw new Error(`Content-Length is ${head.length}, but the body has ${length} bytes`);
    }
    this.sendHead(head, length);
    if (head.bodiless) this.finish();
    else this.sendChunks(body, 0);
  }

  private sendChunks(body: readonly Uint8Array[], from: number): void {
    for (let i = from; i < body.length; i++) {
      const stop = this.take(body[i]);
      if (stop === true) return;
      if (stop !== false) return this.sendLater(body, i + 1, stop);
    }
    this.complete();
  }

  /** A function of its own, because a closure inside the loop would cost every chunk a context. */
  private sendLater(body: readonly Uint8Array[], from: number, blocked: Promise<void>): void {
    this.resume(blocked, () => this.sendChunks(body, from));
  }

  /** Pulls the body until it ends, until the sink is blocked or until a chunk has to be waited for. */
  private pump(): void {
    const { iterator } = this;
    if (iterator === undefined) return;
    while (!this.ended) {
      this.pulling = true;
      try {
        const step = iterator.next();
        this.pulling = false;
        if (isThenable(step)) {
          Promise.resolve(step).then(
            (settled) => this.settled(settled),
            (error: unknown) => this.bodyThrew(error),
          );
          break;
        }
        if (this.ended) break;
        if (!this.goOn(step)) return;
      } catch (error) {
        this.pulling = false;
        return this.bodyThrew(error);
      }
    }
    // The client may have left inside next().
    if (this.ended) this.release();
  }

  /** A chunk that was waited for has come; if the client left meanwhile, the body was closed then. */
  private settled(step: IteratorResult<Uint8Array>): void {
    if (this.ended) return;
    try {
      if (!this.goOn(step)) return;
    } catch (error) {
      return this.bodyThrew(error);
    }
    this.pump();
  }

  /** @returns whether the next chunk can be pulled now. @throws what is wrong with the step itself. */
  private goOn(step: IteratorResult<Uint8Array>): boolean {
    if (step.done === true) {
      this.iterator = undefined;
      this.complete();
      return false;
    }
    const stop = this.take(step.value);
    if (typeof stop === "boolean") return !stop;
    this.resume(stop, () => this.pump());
    return false;
  }

  private bodyThrew(error: unknown): void {
    this.iterator = undefined;
    this.fail(error);
  }

  /** Goes on when the sink can take more. */
  private resume(blocked: void | Promise<void>, next: () => void): void {
    if (blocked === undefined) return next();
    void blocked.then(() => {
      if (!this.ended) next();
    });
  }

  // What goes to the sink.

  /** Sends one chunk of the body. @returns whether that was the end of it, or what must be waited for before the next. */
  private take(chunk: Uint8Array | undefined): boolean | Promise<void> {
    try {
      assertBytes(chunk);
      if (chunk.byteLength === 0) return false;
      this.before(chunk);
    } catch (error) {
      this.fail(error);
      return true;
    }
    if (this.ended) return true;
    if (this.head?.bodiless === true) {
      this.finish();
      return true;
    }
    this.sent += chunk.byteLength;
    return this.sink.write(chunk) ?? this.ended;
  }

  /** Sends the head if it has not gone yet, and sees that the chunk does not go over the length. */
  private before(chunk: Uint8Array): void {
    const head = this.currentHead("the body gave a chunk before startResponse was called");
    if (head.length !== -1 && this.sent + chunk.byteLength > head.length && this.isCounted(head)) {
      throw new Error(`the body is longer than its Content-Length of ${head.length} bytes`);
    }
    if (!this.headSent) this.sendHead(head, -1);
  }

  /** The head as it stands: layers may push to its list until it goes out, and what is sent must be what was checked. */
  private currentHead(missing: string): Head {
    const { head } = this;
    if (head === undefined) throw new Error(missing);
    if (!this.headSent && !isSame(head.headers, this.checked)) checkHeaders(head);
    return head;
  }

  /** Does its length tell what will be written? */
  private isCounted(head: Head): boolean {
    return !head.bodiless && !this.isHead;
  }

  /** @param length of the body, as far as its kind tells; -1 when it does not. */
  private sendHead(head: Head, length: number): void {
    const { headers } = head;
    markSent(headers);
    if (this.isHead || head.bodiless) {
      if (head.code === 204) dropContentLength(head);
      // The length that GET would have had; an empty array is no sign that it has none.
      else if (!head.bodiless && length > 0 && (head.seen & Seen.length) === 0) {
        headers.push(["Content-Length", `${length}`]);
        head.seen |= Seen.length;
      }
      head.bodiless = true;
      head.length = 0;
    } else if (head.length === -1) {
      head.length = length;
    }
    // The sink may hold the head back while the application runs on, and could still reach its list.
    if (length === -1) head.headers = headers.map(([name, value]) => [name, value]);
    this.headSent = true;
    if (this.watchers !== undefined) this.watchers.headAt = performance.now();
    this.sink.head(head);
  }

  /** The body has given its last chunk. */
  private complete(): void {
    try {
      const head = this.currentHead("the body ended, and startResponse was never called");
      if (head.length > this.sent && this.isCounted(head)) {
        throw new Error(`the body ended after ${this.sent} of the ${head.length} bytes of its Content-Length`);
      }
      if (!this.headSent) this.sendHead(head, 0);
    } catch (error) {
      return this.fail(error);
    }
    this.finish();
  }

  private finish(outcome: Ending["outcome"] = "finished", reason?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.reason = reason;
    const handedOver = this.sink.end();
    if (handedOver === undefined) this.stop(outcome, reason);
    else void handedOver.then(() => this.stop(outcome, reason));
  }

  /** The application broke off: a 500 while that can be said, else the client must see that the response is not whole. */
  private fail(error: unknown): void {
    if (this.ended) {
      this.report(error);
      return this.release();
    }
    if (this.headSent) {
      this.report(error);
      this.settle("failed", error);
      this.sink.abort(error);
      return this.release();
    }
    const { head, bytes, intended } = errorPage(error, (problem) => this.report(problem));
    this.head = head;
    this.checked = flat(head.headers);
    this.sendHead(head, bytes.byteLength);
    if (!head.bodiless && !this.ended) {
      this.sent = bytes.byteLength;
      void this.sink.write(bytes);
    }
    if (intended) this.finish();
    else this.finish("failed", error);
  }

  // How it ends.

  gone(reason: unknown, unsentBytes = 0): void {
    if (this.outcome !== undefined) return;
    this.sent -= unsentBytes;
    // Before the signal, whose listeners may try to write.
    this.settle("gone", reason);
    this.cancel(reason);
    this.release();
  }

  cancel(reason: unknown): void {
    if (this.over || this.abortReason !== undefined) return;
    this.abortReason = reason;
    this.controller?.abort(reason);
  }

  get done(): Promise<void> {
    this.donePromise ??= this.over
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.resolveDone = resolve;
        });
    return this.donePromise;
  }

  private stop(outcome: Ending["outcome"], reason: unknown): void {
    if (this.outcome !== undefined) return;
    this.settle(outcome, reason);
    this.release();
  }

  private settle(outcome: Ending["outcome"], reason: unknown): void {
    this.ended = true;
    this.outcome = outcome;
    this.reason = reason;
    if (this.watchers !== undefined) this.watchers.endedAt = performance.now();
  }

  /** Lets go of the body, once: the iterator's `return()` where it was stopped early, then `close()`; neither can hold up the rest. */
  private release(): void {
    if (this.released || this.pulling || !this.returned || this.outcome === undefined) return;
    this.released = true;
    const { iterator, body } = this;
    let closing: Promise<void> | undefined;
    if (iterator !== undefined) leave(iterator, (error) => this.report(error));
    try {
      const closed = body?.close?.();
      if (isThenable(closed)) closing = Promise.resolve(closed);
    } catch (error) {
      this.report(error);
    }
    if (closing === undefined) return this.end();
    closing.then(
      () => this.end(),
      (error: unknown) => {
        this.report(error);
        this.end();
      },
    );
  }

  private end(): void {
    this.over = true;
    this.watchers?.tell(this.ending(), (error) => this.report(error));
    this.resolveDone?.();
  }

  private ending(): Ending {
    const { startedAt, headAt, endedAt } = this.watchers ?? {};
    const status = this.headSent ? (this.head?.status ?? "") : "";
    return { outcome: this.outcome ?? "failed", reason: this.reason, status, bodyBytes: this.sent, startedAt, headAt, endedAt };
  }

  /** To `wsgi.errors`, and once: what `write()` threw often comes back by way of the application. */
  private report(error: unknown): void {
    const hasLeft = this.outcome === "gone" || isDeparture(this.abortReason);
    const isKnown = error === this.reason || (hasLeft && isNoNews(error, this.abortReason, this.reason));
    // A thrown undefined is like every reason that is not there.
    if (error === undefined || !isKnown) report(this.errors, this.environ, error);
  }
}
