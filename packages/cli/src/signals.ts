/** Signals that end the command. */
export type StopSignal = "SIGINT" | "SIGTERM";

/** What a signal means: stop gracefully, stop at once, or nothing (the stop is under way, or it is the echo of the one before). */
export type SignalMeaning = "stop" | "quit" | "nothing";

/**
 * One press of Ctrl+C may arrive twice: the terminal signals the whole process group, and `npm start`, which is part of it, hands
 * its own signal on. Nobody presses twice so fast on purpose.
 */
const echoMilliseconds = 250;

/**
 * Makes the rule for signals: the first of any kind stops gracefully, the second SIGINT at once. SIGINTs within 250 ms of one that
 * counted are its echo.
 *
 * @param now a clock in milliseconds that never goes back (default: `performance.now`).
 */
export function signalRule(now: () => number = () => performance.now()): (signal: StopSignal) => SignalMeaning {
  let isStopping = false;
  let interruptedAt = -Infinity;

  return (signal) => {
    if (signal === "SIGINT") {
      const time = now();
      // Measured from the one that counted, so that a key held down cannot put off the end for ever.
      if (time - interruptedAt <= echoMilliseconds) return "nothing";
      if (interruptedAt > -Infinity) return "quit";
      interruptedAt = time;
    }
    if (isStopping) return "nothing";
    isStopping = true;
    return "stop";
  };
}

/** Calls `stop` or `quit` as {@link signalRule} says, from now to the end of the process. */
export function onStopSignals(stop: () => void, quit: () => void): void {
  const meaningOf = signalRule();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const meaning = meaningOf(signal);
      if (meaning === "stop") stop();
      else if (meaning === "quit") quit();
    });
  }
}
