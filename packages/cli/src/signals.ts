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

/** How often a command that npm runs looks whether it was left behind. */
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
 * Calls `stop` or `quit` as {@link signalRule} says, from now to the end of the process; `stop` at most once.
 *
 * @param environment tells whether npm or npx runs the command (`npm_command`). They hand SIGTERM to their shell only, which dies of it and leaves the
 *   command behind: so the end of the parent counts as SIGTERM.
 */
export function onStopSignals(environment: Readonly<Record<string, string | undefined>>, stop: () => void, quit: () => void): void {
  const meaningOf = signalRule();
  const received = (signal: StopSignal): void => {
    const meaning = meaningOf(signal);
    if (meaning === "stop") stop();
    else if (meaning === "quit") quit();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, received);
  if (environment.npm_command !== undefined) onOrphaned(() => received("SIGTERM"));
}

function onOrphaned(orphaned: () => void): void {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    orphaned();
  }, orphanMilliseconds).unref();
}
