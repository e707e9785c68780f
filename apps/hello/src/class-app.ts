import type { Environ, StartResponse } from "@gateway/core";

/** The same as a class: the server makes an instance for each request, and the instance is the body (PEP 3333 has this form, too). */
export default class HelloApplication implements Iterable<Uint8Array> {
  readonly #path: string;
  readonly #startResponse: StartResponse;

  constructor(environ: Environ, startResponse: StartResponse) {
    this.#path = environ.PATH_INFO;
    this.#startResponse = startResponse;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    // Late, when the body is asked for: a server waits with the head for the first chunk.
    this.#startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
    yield Buffer.from(`Hello from ${this.#path}\n`);
  }
}
