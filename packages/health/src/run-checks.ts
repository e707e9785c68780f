import { isThenable } from "@gateway/core";

/**
 * Is one thing there that the application needs? Says so by returning, or by a promise that resolves; it is not when that throws, rejects, or gives `false`.
 *
 * @param signal aborted when the time limit has passed: hand it to `fetch`, to the database.
 */
export type Check = (signal: AbortSignal) => unknown;

/** How a check went. */
export interface CheckResult {
  readonly status: "pass" | "fail";
  /** How long it took, in milliseconds. */
  readonly milliseconds: number;
  /** What was thrown, where it failed. */
  readonly error?: unknown;
}

/** How all checks went, by name. */
export type CheckResults = Readonly<Record<string, CheckResult>>;

/** Runs checks side by side, each with a time limit. */
export class Checks {
  readonly #checks: readonly (readonly [name: string, check: Check])[];
  readonly #timeoutSeconds: number;
  readonly #now: () => number;
  /** Checks that have not come back, not even after their time: another one of them would only wait with the others. */
  readonly #pending = new Set<string>();

  /** @param now a clock in milliseconds. */
  constructor(checks: Readonly<Record<string, Check | undefined>>, timeoutSeconds: number, now: () => number) {
    this.#checks = Object.entries(checks).flatMap(([name, check]) => (check === undefined ? [] : [[name, check] as const]));
    this.#timeoutSeconds = timeoutSeconds;
    this.#now = now;
  }

  /** Synchronous where all checks are. Never throws or rejects. */
  run(): CheckResults | Promise<CheckResults> {
    const running = this.#checks.map(([name, check]) => [name, this.#runOne(name, check)] as const);
    if (!running.some(([, result]) => isThenable(result))) return Object.fromEntries(running as [string, CheckResult][]);
    return Promise.all(running.map(async ([name, result]) => [name, await result] as const)).then((all) => Object.fromEntries(all));
  }

  #runOne(name: string, check: Check): CheckResult | Promise<CheckResult> {
    const started = this.#now();
    const end = (status: "pass" | "fail", error?: unknown): CheckResult => {
      const milliseconds = Math.round(this.#now() - started);
      return status === "pass" ? { status, milliseconds } : { status, milliseconds, error };
    };
    if (this.#pending.has(name)) return end("fail", new Error("the check before this one has not come back"));
    const controller = new AbortController();
    let answer: unknown;
    try {
      answer = check(controller.signal);
    } catch (error) {
      return end("fail", error);
    }
    if (!isThenable(answer)) return answer === false ? end("fail", new Error("the check gave false")) : end("pass");
    this.#pending.add(name);
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        const error = new Error(`the check took longer than ${this.#timeoutSeconds} s`);
        controller.abort(error);
        resolve(end("fail", error));
      }, this.#timeoutSeconds * 1000).unref();
      const settle = (result: () => CheckResult): void => {
        clearTimeout(late);
        this.#pending.delete(name);
        resolve(result());
      };
      Promise.resolve(answer).then(
        (value) => settle(() => (value === false ? end("fail", new Error("the check gave false")) : end("pass"))),
        (error: unknown) => settle(() => end("fail", error)),
      );
    });
  }
}
