/** What a shell reports for a process that SIGINT ended. */
export const interruptedStatus = 130;

/** What is said when a stop begins. */
export const stoppingText = "stopping: requests under way may finish (press Ctrl+C again to stop at once)";

/** Signals that end the command. */
export type StopSignal = "SIGINT" | "SIGTERM";

/** What a signal means: stop gracefully, stop at once, or nothing (the stop is under way, or it is the echo of the one before). */
export type SignalMeaning = "stop" | "quit" | "nothing";

/**
 * One press of Ctrl+C may arrive twice: the terminal signals the whole process group, and `npm start`, which is part of it, hands
 * its own signal on. Nobody presses twice so fast on purpose.
 */
const echoMilliseconds = 250;

/** How often {@link onOrphaned} looks. */
const orphanMilliseconds = 250;

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

/**
 * Calls `stop` when the parent of this process is gone, for a command that npm or npx runs: they hand SIGTERM to their shell only, which
 * dies of it and leaves the command behind.
 *
 * @param environment tells whether npm runs it (`npm_command`).
 */
export function onOrphaned(environment: Readonly<Record<string, string | undefined>>, stop: () => void): void {
  if (environment.npm_command === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, orphanMilliseconds).unref();
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
