import type { HeaderList } from "@gateway/core";
import { Seen, type Head, type Sink } from "@gateway/core/gateway";

/** A chunk that nobody has taken yet. */
interface Offered {
  readonly chunk: Uint8Array;
  readonly taken: () => void;
}

/** What the reader of a stream is told. */
interface Reader {
  resolve(step: IteratorResult<Uint8Array, undefined>): void;
  reject(error: unknown): void;
}

/**
 * A sink in memory. It either keeps every chunk at once, or, as a stream, holds each back until a reader takes it: then what `write`
 * returned resolves, so an application feels exactly as much back-pressure as the reader makes. Chunks are copied.
 */
export class MemorySink implements Sink {
  /** What was sent as 103, in order. */
  readonly hints: HeaderList[] = [];
  /** The chunks that arrived, when this is no stream. */
  readonly chunks: Uint8Array[] = [];
  /** The head as it was when it went out. */
  received: { readonly status: string; readonly code: number; readonly headers: HeaderList } | undefined = undefined;
  /** `open` until it is over; `gone` when the client left. */
  state: "open" | "ended" | "aborted" | "gone" = "open";
  /** Why it was aborted, or the client left. */
  reason: unknown = undefined;

  readonly #streamed: boolean;
  readonly #onHead: () => void;
  readonly #offered: Offered[] = [];
  #reader: Reader | undefined = undefined;
  #drained: (() => void) | undefined = undefined;

  /**
   * @param streamed whether a reader takes the chunks with `next`.
   * @param onHead is told when the head has come.
   */
  constructor(streamed: boolean, onHead: () => void) {
    this.#streamed = streamed;
    this.#onHead = onHead;
  }

  earlyHints(headers: HeaderList): void {
    this.hints.push([...headers]);
  }

  head(head: Head): void {
    const headers = [...head.headers];
    // What every gateway supplies where it knows.
    if (head.length !== -1 && !head.bodiless && (head.seen & Seen.length) === 0) headers.push(["Content-Length", `${head.length}`]);
    this.received = { status: head.status, code: head.code, headers };
    this.#onHead();
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const copy = Uint8Array.from(chunk);
    if (!this.#streamed) {
      this.chunks.push(copy);
      return undefined;
    }
    if (this.#reader !== undefined) {
      this.#tell((reader) => reader.resolve({ done: false, value: copy }));
      return undefined;
    }
    return new Promise((taken) => {
      this.#offered.push({ chunk: copy, taken });
    });
  }

  end(): void | Promise<void> {
    this.state = "ended";
    this.#tell((reader) => reader.resolve({ done: true, value: undefined }));
    if (this.#offered.length === 0) return undefined;
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  abort(reason: unknown): void {
    this.#stop("aborted", reason);
  }

  /** How many bytes the sink took and no reader did. */
  get unsentBytes(): number {
    return this.#offered.reduce((sum, { chunk }) => sum + chunk.byteLength, 0);
  }

  /** The client has left: what was not taken is dropped. */
  leave(reason: unknown): void {
    const offered = this.#offered.splice(0);
    this.#stop("gone", reason);
    for (const { taken } of offered) taken();
    this.#drained?.();
  }

  /** The next chunk; rejects with the reason where the response broke off. One call at a time. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const offered = this.#offered.shift();
    if (offered !== undefined) {
      offered.taken();
      if (this.#offered.length === 0) this.#drained?.();
      return Promise.resolve({ done: false, value: offered.chunk });
    }
    if (this.state === "ended") return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      if (this.state !== "open") reject(this.reason);
      else this.#reader = { resolve, reject };
    });
  }

  #stop(state: "aborted" | "gone", reason: unknown): void {
    this.state = state;
    this.reason = reason;
    this.#tell((reader) => reader.reject(reason));
  }

  #tell(tell: (reader: Reader) => void): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) tell(reader);
  }
}
