import { closeOnce, discard } from "./body.ts";
import { assertBytes, iteratorOf, leave, type BodyIterator } from "./chunks.ts";
import type { Application, Environ, HeaderList, ResponseBody, StartResponse, Write } from "./contract.ts";
import { replay } from "./replay.ts";
import { report } from "./report.ts";
import { isThenable } from "./thenable.ts";
import { WrittenBody } from "./written-body.ts";

/** A response whose head is known and whose body is still to come. */
export interface CapturedResponse {
  status: string;
  /** The application's own list: change it as you like before it is sent. */
  headers: HeaderList;
  /** Must be returned to the server (see {@link send}), or its `close()` be called. */
  body: ResponseBody;
}

/**
 * Runs the application inside a layer until its head is known: for layers that decide by the whole response. Pulls no more
 * of the body than it takes to learn the head, and buffers nothing: what was pulled is given again. Synchronous for a
 * synchronous application; an array stays an array. From here on the head is the layer's: an application that then calls
 * `startResponse` with `excInfo` gets it thrown back.
 *
 * Throws (or rejects with) what the application throws before its head is known, its body closed.
 */
export function capture<E extends Environ>(app: Application<E>, environ: E): CapturedResponse | Promise<CapturedResponse> {
  const capturing = new Capture(environ);
  const answer = app(environ, capturing.startResponse);
  return isThenable(answer) ? capturing.wait(answer) : capturing.returned(answer);
}

/**
 * Sends a captured response on: `return send(response, startResponse)`. Throws what `startResponse` throws, the body closed.
 */
export function send(response: CapturedResponse, startResponse: StartResponse): ResponseBody {
  try {
    startResponse(response.status, response.headers);
  } catch (error) {
    // As for...of does: the first error is the one that counts.
    discard(response.body, () => {});
    throw error;
  }
  return response.body;
}

class Capture {
  readonly #environ: Environ;
  #head: { status: string; headers: HeaderList } | undefined = undefined;
  #handedOver = false;
  #hasReturned = false;
  /** What was written while the application was still in its synchronous part. */
  readonly #early: Uint8Array[] = [];
  /** What an asynchronous application will return, and where its `write()` goes meanwhile. */
  #answer: Promise<ResponseBody> | undefined = undefined;
  #written: WrittenBody | undefined = undefined;
  #resolve: ((response: CapturedResponse | Promise<CapturedResponse>) => void) | undefined = undefined;

  constructor(environ: Environ) {
    this.#environ = environ;
  }

  /** For what fails when something else is being thrown already, or when nobody can be told any more. */
  readonly #report = (error: unknown): void => {
    report(this.#environ["wsgi.errors"], this.#environ, error);
  };

  readonly startResponse: StartResponse = (status, headers, excInfo) => {
    if (this.#handedOver) {
      if (excInfo !== undefined) throw excInfo;
      throw new Error("startResponse was called after the head had been handed over");
    }
    if (this.#head !== undefined && excInfo === undefined) throw new Error("startResponse was called again without excInfo");
    this.#head = { status, headers };
    return this.#write;
  };

  readonly #write: Write = (chunk) => {
    if (this.#hasReturned) throw new Error("write() was called after the body had been returned: yield the bytes from it");
    assertBytes(chunk);
    if (chunk.byteLength === 0) return;
    this.#handedOver = true;
    if (this.#answer === undefined) {
      this.#early.push(chunk);
      return;
    }
    if (this.#written === undefined) {
      this.#written = this.#follow(this.#answer);
      this.#resolve?.(this.#response(this.#written));
    }
    return this.#written.write(chunk);
  };

  /** A synchronous application has returned. What it wrote comes before what it returned. */
  returned(body: ResponseBody): CapturedResponse | Promise<CapturedResponse> {
    this.#hasReturned = true;
    if (this.#head === undefined) return this.#pull(body);
    this.#handedOver = true;
    return this.#response(this.#early.length === 0 ? body : this.#joined(body));
  }

  #joined(body: ResponseBody): ResponseBody {
    if (Array.isArray(body)) {
      const chunks: readonly Uint8Array[] = body;
      return Object.assign([...this.#early, ...chunks], { close: closeOnce(body, () => {}) });
    }
    try {
      return replay(this.#early, iteratorOf(body), body, this.#report);
    } catch (error) {
      discard(body, this.#report);
      throw error;
    }
  }

  /** An asynchronous application: its head is known when it returns, or at its first `write()`. */
  wait(answer: PromiseLike<ResponseBody>): CapturedResponse | Promise<CapturedResponse> {
    this.#answer = Promise.resolve(answer);
    if (this.#handedOver) {
      this.#written = this.#follow(this.#answer);
      return this.#response(this.#written);
    }
    const returned = this.#answer.then((body) => {
      if (this.#written === undefined) this.#resolve?.(this.returned(body));
    });
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      returned.then(undefined, reject);
    });
  }

  #follow(answer: Promise<ResponseBody>): WrittenBody {
    return new WrittenBody(this.#early, answer, this.#environ["gateway.exchange"], this.#report);
  }

  /** The application calls `startResponse` from inside its body: goes on until it has. */
  #pull(body: ResponseBody): CapturedResponse | Promise<CapturedResponse> {
    let iterator: BodyIterator | undefined;
    try {
      iterator = iteratorOf(body);
      for (;;) {
        const step = iterator.next();
        if (isThenable(step)) return this.#pullAsync(body, iterator, step);
        const response = this.#look(step, body, iterator);
        if (response !== undefined) return response;
      }
    } catch (error) {
      discard(body, this.#report);
      throw error;
    }
  }

  async #pullAsync(
    body: ResponseBody,
    iterator: BodyIterator,
    first: PromiseLike<IteratorResult<Uint8Array>>,
  ): Promise<CapturedResponse> {
    try {
      let step = await first;
      for (;;) {
        const response = this.#look(step, body, iterator);
        if (response !== undefined) return response;
        step = await iterator.next();
      }
    } catch (error) {
      discard(body, this.#report);
      throw error;
    }
  }

  #look(step: IteratorResult<Uint8Array>, body: ResponseBody, iterator: BodyIterator): CapturedResponse | undefined {
    if (this.#head === undefined) {
      if (step.done === true) throw new Error("the body ended, and startResponse was never called");
      if (step.value.byteLength === 0) return undefined;
      leave(iterator, this.#report);
      throw new Error("the body gave a chunk before startResponse was called");
    }
    this.#handedOver = true;
    return this.#response(
      step.done === true ? replay([], undefined, body, this.#report) : replay([step.value], iterator, body, this.#report),
    );
  }

  #response(body: ResponseBody): CapturedResponse {
    // Only called once the head is known.
    const { status, headers } = this.#head ?? { status: "", headers: [] };
    return { status, headers, body };
  }
}
