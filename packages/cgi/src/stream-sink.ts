import { once } from "node:events";
import type { Writable } from "node:stream";
import { cgiHead, httpHead, type Head, type Sink } from "@gateway/core/gateway";

/** A response on a stream: a head, and the body as it is. */
export class StreamSink implements Sink {
  readonly #stream: Writable;
  readonly #isOrigin: boolean;
  #head: Head | undefined = undefined;
  #headSent = false;
  /** The application failed after its head had gone. */
  brokeOff = false;
  bodyBytes = 0;

  /** @param isOrigin whether it begins with a status line of HTTP, and not with a header block of CGI. */
  constructor(stream: Writable, isOrigin: boolean) {
    this.#stream = stream;
    this.#isOrigin = isOrigin;
  }

  head(head: Head): void {
    this.#head = head;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.bodyBytes += chunk.byteLength;
    this.#sendHead();
    if (this.#stream.write(chunk)) return;
    return this.#drained();
  }

  end(): void | Promise<void> {
    this.#sendHead();
    return new Promise((resolve) => {
      // An empty write calls back when all before it is with the system.
      this.#stream.write("", () => resolve());
    });
  }

  abort(): void {
    this.brokeOff = true;
  }

  #sendHead(): void {
    if (this.#headSent || this.#head === undefined) return;
    this.#headSent = true;
    this.#stream.write(this.#isOrigin ? httpHead(this.#head) : cgiHead(this.#head), "latin1");
  }

  async #drained(): Promise<void> {
    const stop = new AbortController();
    const signal = stop.signal;
    const gone = (event: string): Promise<unknown> => once(this.#stream, event, { signal }).catch(() => {});
    await Promise.race([gone("drain"), gone("close"), gone("error")]);
    stop.abort();
  }
}
