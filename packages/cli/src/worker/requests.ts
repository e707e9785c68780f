import type { Application, Environ } from "@gateway/core";
import { escapeLine } from "../logs/error-log.ts";

/** More of a path is not shown. */
const longestPath = 500;

/** The requests of a worker: how many there were, and which are under way. */
export class Requests {
  /** Requests that were begun. */
  begun = 0;
  readonly #underWay = new Map<Environ, number>();
  readonly #onBegin: (begun: number) => void;

  /** @param onBegin called with each request. */
  constructor(onBegin: (begun: number) => void) {
    this.#onBegin = onBegin;
  }

  /** Requests under way. */
  get count(): number {
    return this.#underWay.size;
  }

  /** Around the application, outermost. */
  wrap(app: Application): Application {
    return (environ, startResponse) => {
      this.begun++;
      this.#underWay.set(environ, performance.now());
      environ["gateway.exchange"].onEnd(() => this.#underWay.delete(environ));
      this.#onBegin(this.begun);
      return app(environ, startResponse);
    };
  }

  /** Those under way, the oldest first, for people: what they are and for how long. Without the query, which may hold secrets. */
  describe(limit = 20): string[] {
    const now = performance.now();
    const lines: string[] = [];
    for (const [{ REQUEST_METHOD, SCRIPT_NAME, PATH_INFO }, since] of this.#underWay) {
      if (lines.length === limit) break;
      const path = escapeLine(`${SCRIPT_NAME}${PATH_INFO}`.slice(0, longestPath));
      lines.push(`${escapeLine(REQUEST_METHOD)} ${path} for ${((now - since) / 1000).toFixed(1)} s`);
    }
    if (this.#underWay.size > limit) lines.push(`and ${this.#underWay.size - limit} more`);
    return lines;
  }
}
