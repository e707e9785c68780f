import type { BootFailure } from "./arbiter-world.ts";
import type { ApplicationFunction } from "./messages.ts";
import type { RestartCause, WorkerNumbers, WorkerState } from "./status.ts";

/** The name of a worker: what is needed to start it. */
export interface WorkerName {
  readonly id: number;
  readonly index: number;
  readonly generation: number;
  /** It loads no application, since none has booted yet, and only shows why. */
  readonly standsInFor: BootFailure | undefined;
}

/** A worker, as the arbiter sees it. */
export interface Member extends WorkerName {
  state: WorkerState;
  since: number;
  readonly startedAt: number;
  readyAt: number;
  lastBeat: number;
  numbers: WorkerNumbers | undefined;
  /** When it is killed for what it is doing now. */
  deadline: number;
  /** It is to be replaced, when its turn comes. */
  recycle: RestartCause | undefined;
  /** The one that goes when this one is ready. */
  readonly replaces: number | undefined;
  /** What it said that it waits for. */
  runs: ApplicationFunction | undefined;
  /** It said itself why it could not boot, or was told to go while it did. */
  failed: boolean;
}

const leavingStates: ReadonlySet<WorkerState> = new Set<WorkerState>(["draining", "stopping", "blocked"]);

/** Whether it is on its way out: its place is free for another. */
export function isLeaving({ state }: Member): boolean {
  return leavingStates.has(state);
}

/** All workers whose process has not ended. */
export class Members {
  readonly #byId = new Map<number, Member>();
  #lastId = 0;

  get all(): readonly Member[] {
    return [...this.#byId.values()];
  }

  get isEmpty(): boolean {
    return this.#byId.size === 0;
  }

  get(id: number): Member | undefined {
    return this.#byId.get(id);
  }

  /** Whoever has the place, or will have it when it has booted. */
  at(index: number): Member | undefined {
    return this.all.find((member) => member.index === index && !isLeaving(member));
  }

  /** How many boot, and may still get ready. */
  get booting(): number {
    return this.all.filter(({ state, failed }) => state === "booting" && !failed).length;
  }

  /** Those that are ready and have the code of this generation, or newer. */
  readyOf(generation: number): readonly Member[] {
    return this.all.filter((member) => member.state === "ready" && member.generation >= generation);
  }

  /** A new one, which boots. The times are `now` on the clock that never goes back, and `date` on that of the calendar. */
  add(
    worker: Pick<Member, "index" | "generation" | "standsInFor" | "replaces">,
    { now, date, deadline }: { readonly now: number; readonly date: number; readonly deadline: number },
  ): Member {
    const member: Member = {
      ...worker,
      id: ++this.#lastId,
      state: "booting",
      since: date,
      startedAt: date,
      readyAt: Infinity,
      lastBeat: now,
      numbers: undefined,
      deadline,
      recycle: undefined,
      runs: undefined,
      failed: false,
    };
    this.#byId.set(member.id, member);
    return member;
  }

  delete(id: number): void {
    this.#byId.delete(id);
  }
}
