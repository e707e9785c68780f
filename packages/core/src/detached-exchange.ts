import type { Exchange } from "./exchange.ts";

let signal: AbortSignal | undefined;

/**
 * The exchange of an environ that no gateway runs: never aborted, never over. It fills the slot until `run` puts the real one
 * there, and lets a test call an application without a gateway.
 */
export const detachedExchange: Exchange = Object.freeze({
  get signal() {
    signal ??= new AbortController().signal;
    return signal;
  },
  onEnd() {},
  earlyHints() {},
});
