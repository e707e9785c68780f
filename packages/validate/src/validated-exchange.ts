import type { Ending, Exchange, HeaderList } from "@gateway/core";
import { breach } from "./breach.ts";
import { checkHeaders } from "./head-rules.ts";
import { Fact } from "./show.ts";

/** `gateway.exchange` with both sides of it watched. The signal is made only when it is read, as without the validator. */
export class ValidatedExchange implements Exchange {
  readonly #exchange: Exchange;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get signal(): AbortSignal {
    const { signal } = this.#exchange;
    if (!isSignal(signal)) breach("G37", signal);
    return signal;
  }

  onEnd(listener: (ending: Ending) => void): void {
    if (typeof listener !== "function") {
      breach("A39", listener);
      return this.#exchange.onEnd(listener);
    }
    let isTold = false;
    this.#exchange.onEnd((ending) => {
      if (isTold) breach("G38", new Fact("a second call"));
      else if (!isEnding(ending)) breach("G38", ending);
      isTold = true;
      listener(ending);
    });
  }

  earlyHints(headers: HeaderList): void {
    checkHeaders(headers);
    this.#exchange.earlyHints(headers);
  }
}

function isSignal(signal: unknown): boolean {
  return typeof signal === "object" && signal !== null && typeof Reflect.get(signal, "aborted") === "boolean";
}

function isEnding(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const ending: Readonly<Partial<Record<keyof Ending, unknown>>> = value;
  const { outcome, status, bodyBytes, startedAt, headAt, endedAt } = ending;
  return (
    (outcome === "finished" || outcome === "gone" || outcome === "failed") &&
    typeof status === "string" &&
    typeof bodyBytes === "number" &&
    [startedAt, headAt, endedAt].every((time) => time === undefined || typeof time === "number")
  );
}
