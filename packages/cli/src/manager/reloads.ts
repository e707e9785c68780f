import { errorText } from "@gateway/core/gateway";
import type { ProcessLog } from "../process-log.ts";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";
import type { Plan } from "./plan.ts";
import type { ReloadResult } from "./status.ts";

/** What {@link Reloads} needs of the manager. */
interface ReloadWorld {
  readonly log: Pick<ProcessLog, "info" | "error">;
  /** Why none can be done at all. */
  refusal(): string | undefined;
  /** @throws {StartError} for settings that are wrong, or name what cannot be read. */
  readPlan(): Promise<Plan>;
  /** Replaces the workers by those of {@link Reloads.next}. */
  replace(settings: Settings): Promise<ReloadResult>;
  /** The generations whose workers serve. */
  generations(): readonly number[];
  /** The generation of the last reload that succeeded. */
  generation(): number;
  succeeded(plan: Plan): void;
  changed(): void;
}

/** Reloads, one at a time. */
export class Reloads {
  readonly #world: ReloadWorld;
  #underWay: Promise<unknown> = Promise.resolve();
  #queued: Promise<ReloadResult> | undefined = undefined;
  #last: ReloadResult | undefined = undefined;
  #next: Plan | undefined = undefined;

  constructor(world: ReloadWorld) {
    this.#world = world;
  }

  /** What became of the last one. */
  get last(): ReloadResult | undefined {
    return this.#last;
  }

  /** Of the one that is under way. */
  get next(): Plan | undefined {
    return this.#next;
  }

  /** Asks for one: while another is under way it waits for its end. Never rejects. */
  ask(): Promise<ReloadResult> {
    // One that has not begun yet will load what is there then: that is what whoever asks now wants.
    this.#queued ??= this.#underWay.then(() => {
      this.#queued = undefined;
      const result = this.#reload();
      this.#underWay = result;
      return result;
    });
    return this.#queued;
  }

  async #reload(): Promise<ReloadResult> {
    const tried = await this.#try();
    const result = tried.ok ? tried : { ...tried, message: `${tried.message}; ${whoServes(this.#world.generations())}` };
    this.#last = result;
    this.#world.log[result.ok ? "info" : "error"](result.message);
    this.#world.changed();
    return result;
  }

  async #try(): Promise<ReloadResult> {
    const refusal = this.#world.refusal();
    if (refusal !== undefined) return this.#givenUp(refusal);
    let plan: Plan;
    try {
      plan = await this.#world.readPlan();
    } catch (error) {
      const { message, cause } = error instanceof StartError ? error : { message: String(error), cause: undefined };
      const detail = cause === undefined ? undefined : errorText(cause);
      if (detail !== undefined) this.#world.log.error(message, detail);
      return this.#givenUp(message, detail);
    }
    this.#next = plan;
    const result = await this.#world.replace(plan.settings);
    this.#next = undefined;
    if (result.ok) this.#world.succeeded(plan);
    return result;
  }

  #givenUp(why: string, detail?: string): ReloadResult {
    const result = { ok: false, generation: this.#world.generation(), message: `the reload was given up: ${why}` };
    return detail === undefined ? result : { ...result, detail };
  }
}

/** One that failed halfway leaves the new workers that it had brought. */
function whoServes(generations: readonly number[]): string {
  const [first, ...more] = [...new Set(generations)].toSorted((a, b) => a - b);
  if (first === undefined) return "no worker serves";
  return more.length === 0 ? `generation ${first} serves on` : `generations ${[first, ...more].join(" and ")} serve on`;
}
