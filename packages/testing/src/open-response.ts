import { ExchangeAborted, HeaderFields, type Ending } from "@gateway/core";
import type { MemoryExchange } from "./memory-exchange.ts";
import { fieldsOf, type ClientResponse, ResponseAborted } from "./response.ts";

/** A response whose head is there and whose body is still coming. The application runs no further ahead than the test reads. */
export class OpenResponse {
  /** The status code: `200`. */
  readonly status: number;
  /** The status as it was sent: `"200 OK"`. */
  readonly statusLine: string;
  /** The headers, as they were sent. */
  readonly headers: HeaderFields;
  /** What was sent as 103 before it, in order. */
  readonly earlyHints: readonly HeaderFields[];
  /**
   * The body, chunk by chunk as the application gives it. The next is asked for when the last was taken. Leaving a loop over it does
   * nothing: go on with another, or call `abort`. Throws {@link ResponseAborted} when the application breaks off, and the reason of
   * `abort` after that.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /**
   * Resolves when all is over, `close()` included. Rejects when something was written to `wsgi.errors`, as requests do: so look at
   * it, even when the body is of no interest.
   */
  readonly finished: Promise<Ending>;

  readonly #exchange: MemoryExchange;

  /** Made by the client. */
  constructor(
    exchange: MemoryExchange,
    taken: Uint8Array[],
    settle: (ending: Ending) => ClientResponse,
    check: (response: ClientResponse) => void,
  ) {
    const { received, hints } = exchange.sink;
    this.#exchange = exchange;
    this.status = received?.code ?? 0;
    this.statusLine = received?.status ?? "";
    this.headers = new HeaderFields(received?.headers);
    this.earlyHints = fieldsOf(hints);
    this.finished = exchange.ended.then((ending) => {
      check(settle(ending));
      return ending;
    });
    this.body = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          try {
            const step = await exchange.sink.next();
            if (step.done !== true) taken.push(step.value);
            return step;
          } catch (error) {
            if (exchange.sink.state !== "aborted") throw error;
            throw new ResponseAborted(settle(await exchange.ended), error);
          }
        },
      }),
    };
  }

  /** The client leaves: what a gateway does then. What was not read is lost. Nothing happens once all was sent. */
  abort(reason: unknown = new ExchangeAborted("CLIENT_GONE")): void {
    this.#exchange.leave(reason);
  }

  /** Aborts the signal and nothing else, as a gateway does that asks applications to hurry: the response may still be finished. */
  cancel(reason: unknown = new ExchangeAborted("SERVER_STOPPING")): void {
    this.#exchange.cancel(reason);
  }
}
