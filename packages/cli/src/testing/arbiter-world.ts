import type { ArbiterSettings, BootFailure } from "../manager/arbiter-world.ts";
import { Arbiter } from "../manager/arbiter.ts";
import type { ReloadResult, WorkerNumbers } from "../manager/status.ts";

const numbers: WorkerNumbers = {
  requests: 0,
  inFlight: 0,
  connections: 0,
  memory: 0,
  heapUsed: 0,
  loopUtilization: 0,
  loopDelay: 0,
};
/** Why a worker of the test did not boot. */
export const broken: BootFailure = { message: "it is broken", detail: "at line 1" };

/** An arbiter in a world that does nothing by itself: what it asked for stands in `did`. */
export class World {
  readonly did: string[] = [];
  readonly log: string[] = [];
  /** Why workers did not get ready. */
  readonly shown: string[] = [];
  now = 1000;
  ended: { failure: BootFailure | undefined } | undefined = undefined;
  readonly arbiter: Arbiter;
  #lastSpawned = 0;

  constructor(settings: Partial<ArbiterSettings> = {}, cpus = 2) {
    const all = { workers: 2, timeout: 30, bootTimeout: 60, gracefulTimeout: 30, drainDelay: 0, ...settings };
    this.arbiter = new Arbiter(
      all,
      {
        spawn: ({ id, index, generation, standsInFor }) => {
          this.#lastSpawned = id;
          const why = standsInFor === undefined ? "" : `, since ${standsInFor.message}`;
          this.did.push(`spawn ${id} at ${index} of ${generation}${why}`);
        },
        admit: (id) => this.did.push(`admit ${id}`),
        drain: (id) => this.did.push(`drain ${id}`),
        announce: (id) => this.did.push(`announce ${id}`),
        quit: (id) => this.did.push(`quit ${id}`),
        kill: (id) => this.did.push(`kill ${id}`),
        closeListening: () => this.did.push("close"),
        notReady: ({ message }) => this.shown.push(message),
        ended: (failure) => (this.ended = { failure }),
        log: (_level, text) => this.log.push(text),
      },
      { now: () => this.now, date: () => this.now },
      cpus,
    );
  }

  /** With all workers ready, numbered from 1. */
  static serving(settings: Partial<ArbiterSettings> = {}): World {
    const world = new World(settings);
    world.arbiter.start();
    for (let id = 1; id <= (settings.workers ?? 2); id++) world.arbiter.ready(id);
    world.take();
    return world;
  }

  /** What was done since the last time. */
  take(): string[] {
    return this.did.splice(0);
  }

  /** Time passes; heartbeats come but from those that are named. */
  pass(milliseconds: number, ...silent: number[]): void {
    const end = this.now + milliseconds;
    for (;;) {
      const next = Math.min(end, this.arbiter.nextDeadline, this.now + 1000);
      this.now = Math.max(this.now, next);
      for (const { id } of this.arbiter.members) if (!silent.includes(id)) this.arbiter.heartbeat(id, numbers);
      if (this.now >= this.arbiter.nextDeadline) this.arbiter.wake();
      if (this.now >= end) return;
    }
  }

  get spawned(): number {
    return this.#lastSpawned;
  }

  reload(settings: Partial<ArbiterSettings> = {}): { result: ReloadResult | undefined } {
    const outcome: { result: ReloadResult | undefined } = { result: undefined };
    const all = { workers: 2, timeout: 30, bootTimeout: 60, gracefulTimeout: 30, drainDelay: 0, ...settings };
    void this.arbiter.reload(all).then((result) => (outcome.result = result));
    return outcome;
  }
}

/** Promises that are settled call their listeners. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
