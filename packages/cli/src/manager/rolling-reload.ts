import type { Member, Members } from "./members.ts";
import type { ReloadResult } from "./status.ts";
import { workersText } from "./worker-count.ts";

/** What holds again when a reload fails. */
interface Before<Settings> {
  readonly settings: Settings;
  wanted: number;
  readonly generation: number;
}

/** A reload that is under way: whose workers are still to be replaced, and what becomes of it. */
export class RollingReload<Settings> {
  readonly generation: number;
  readonly before: Before<Settings>;
  readonly #finish: (result: ReloadResult) => void;

  constructor(generation: number, before: Before<Settings>, finish: (result: ReloadResult) => void) {
    this.generation = generation;
    this.before = before;
    this.#finish = finish;
  }

  /** Whether the new code has got ready in one worker: until then the number of workers that it brings does not hold. */
  isProven(members: Members): boolean {
    return members.readyOf(this.generation).length > 0;
  }

  isOutdated(member: Member): boolean {
    return member.generation < this.generation;
  }

  /** Whether each place has a worker with the new code. */
  isDone(members: Members, wanted: number): boolean {
    const renewed = new Set(members.readyOf(this.generation).map(({ index }) => index));
    for (let index = 0; index < wanted; index++) if (!renewed.has(index)) return false;
    return true;
  }

  succeed(wanted: number): void {
    const { generation } = this;
    this.#finish({ ok: true, generation, message: `reloaded: ${workersText(wanted)} of generation ${generation}` });
  }

  giveUp(members: Members, message: string, detail?: string): void {
    const { wanted, generation } = this.before;
    const renewed = members.readyOf(this.generation).length;
    const mixed = renewed === 0 ? "" : ` (${renewed} of ${wanted} workers have the new code already: mend it and reload again)`;
    const result = { ok: false, generation, message: `the reload was given up: ${message}${mixed}` };
    this.#finish(detail === undefined ? result : { ...result, detail });
  }
}
