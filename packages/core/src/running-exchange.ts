import type { HeaderList } from "./contract.ts";
import type { Ending, Exchange } from "./exchange.ts";

/** What the exchange of a request needs of the response that is being run. */
interface Watched {
  signal(): AbortSignal;
  watch(listener: (ending: Ending) => void): void;
  earlyHints(headers: HeaderList): void;
}

/** What applications see of a response that is being run: nothing that could steer it. */
export class RunningExchange implements Exchange {
  readonly #response: Watched;

  constructor(response: Watched) {
    this.#response = response;
  }

  get signal(): AbortSignal {
    return this.#response.signal();
  }

  onEnd(listener: (ending: Ending) => void): void {
    this.#response.watch(listener);
  }

  earlyHints(headers: HeaderList): void {
    this.#response.earlyHints(headers);
  }
}
