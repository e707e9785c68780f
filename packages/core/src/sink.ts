import type { HeaderList } from "./contract.ts";
import type { Head } from "./head.ts";

/**
 * Where the run loop sends a response: what each gateway supplies. The run loop owes it `head` once and first; then chunks that are
 * never empty, exactly `head.length` bytes of them where that is known; then exactly one of `end` and `abort`, and nothing after
 * either, nor after {@link Running.gone}.
 *
 * A sink owes the run loop that it never throws, that it takes a chunk also while it is blocked, and that its promises only
 * ever resolve, when the client is gone too.
 */
export interface Sink {
  /** The head. Best held back until the first `write` or `end`, so that a small response is one write. */
  head(head: Head): void;
  /** A chunk of the body. It may be read until what this returns has resolved, or until `end` has. */
  write(chunk: Uint8Array): void | Promise<void>;
  /** The response is complete. What it returns tells that the bytes were handed to the system. */
  end(): void | Promise<void>;
  /** The response broke off after its head: the client must be able to see that it is not whole. */
  abort(reason: unknown): void;
  /** Sends a 103 (RFC 8297), where the gateway and the client can take it. Only before `head`; the headers are checked. */
  earlyHints?(headers: HeaderList): void;
}

/** A request that is still being answered when `run` returns. */
export interface Running {
  /** Resolves when all is over, `close()` and the listeners of `onEnd` included. Never rejects. */
  readonly done: Promise<void>;
  /**
   * The client left, or the gateway cut it off: aborts the signal, closes the body, and uses the sink no more. The first call counts.
   * The reason is an `ExchangeAborted`. `unsentBytes` says how much of the body that the sink took was never handed to the system.
   */
  gone(reason: unknown, unsentBytes?: number): void;
  /** Aborts the signal and nothing else: the response may still be finished. */
  cancel(reason: unknown): void;
}
