import { describe, expect, it } from "vitest";
import { Arbiter, type ArbiterSettings, type BootFailure } from "./arbiter.ts";
import type { ReloadResult, WorkerNumbers } from "./status.ts";

const numbers: WorkerNumbers = {
  requests: 0,
  inFlight: 0,
  connections: 0,
  memory: 0,
  heapUsed: 0,
  loopUtilization: 0,
  loopDelay: 0,
};
const broken: BootFailure = { message: "it is broken", detail: "at line 1" };

/** An arbiter in a world that does nothing by itself: what it asked for stands in `did`. */
class World {
  readonly did: string[] = [];
  readonly log: string[] = [];
  now = 1000;
  ended: { failure: BootFailure | undefined } | undefined = undefined;
  readonly arbiter: Arbiter;
  #lastSpawned = 0;

  constructor(settings: Partial<ArbiterSettings> = {}) {
    const all = { workers: 2, timeout: 30, bootTimeout: 60, gracefulTimeout: 30, drainDelay: 0, ...settings };
    this.arbiter = new Arbiter(
      all,
      {
        spawn: ({ id, index, generation }) => {
          this.#lastSpawned = id;
          this.did.push(`spawn ${id} at ${index} of ${generation}`);
        },
        admit: (id) => this.did.push(`admit ${id}`),
        drain: (id) => this.did.push(`drain ${id}`),
        announce: (id) => this.did.push(`announce ${id}`),
        quit: (id) => this.did.push(`quit ${id}`),
        kill: (id) => this.did.push(`kill ${id}`),
        closeListening: () => this.did.push("close"),
        ended: (failure) => (this.ended = { failure }),
        log: (_level, text) => this.log.push(text),
      },
      { now: () => this.now, date: () => this.now },
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
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Arbiter, at the start", () => {
  it("boots one worker alone, and the others when that is ready", () => {
    const world = new World({ workers: 3 });
    world.arbiter.start();
    expect(world.take()).toEqual(["spawn 1 at 0 of 1"]);
    world.arbiter.ready(1);
    expect(world.take()).toEqual(["admit 1", "spawn 2 at 1 of 1", "spawn 3 at 2 of 1"]);
  });

  it.each(["says so", "ends"])("gives up when the first worker %s", (how) => {
    const world = new World();
    world.arbiter.start();
    if (how === "says so") world.arbiter.bootFailed(1, broken);
    world.arbiter.exited(1, "exit status 1");
    expect(world.take()).toEqual(["spawn 1 at 0 of 1"]);
    expect(world.ended?.failure?.message).toBe(how === "says so" ? "it is broken" : "it ended before it was ready: exit status 1");
  });

  it("gives up when the first worker does not get ready in time", () => {
    const world = new World({ bootTimeout: 5 });
    world.arbiter.start();
    world.pass(5000);
    expect(world.take()).toEqual(["spawn 1 at 0 of 1", "kill 1"]);
    world.arbiter.exited(1, "signal SIGKILL");
    expect(world.ended?.failure?.message).toBe("it was not ready after 5 seconds");
  });

  it("stops while the first worker boots, without a failure", () => {
    const world = new World();
    world.arbiter.start();
    world.arbiter.stop(true);
    expect(world.take()).toEqual(["spawn 1 at 0 of 1", "kill 1", "close"]);
    world.arbiter.listeningClosed();
    world.arbiter.exited(1, "signal SIGKILL");
    expect(world.ended).toEqual({ failure: undefined });
  });
});

describe("Arbiter, when workers die", () => {
  it("replaces one at once, in its place", () => {
    const world = World.serving();
    world.arbiter.exited(2, "signal SIGKILL");
    expect(world.take()).toEqual(["spawn 3 at 1 of 1"]);
    expect(world.arbiter.restarts.crash).toBe(1);
  });

  it("pauses from the second time in a row on, twice as long each time, and no longer than half a minute", () => {
    const world = World.serving({ workers: 1 });
    const pauses: number[] = [];
    for (let round = 0; round < 10; round++) {
      const before = world.now;
      const last = world.spawned;
      world.arbiter.exited(last, "exit status 1");
      while (world.spawned === last) world.pass(100);
      pauses.push(world.now - before);
      world.arbiter.ready(world.spawned);
    }
    expect(pauses.map((pause) => pause / 1000)).toEqual([0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]);
  });

  it("counts anew for one that has served for long", () => {
    const world = World.serving({ workers: 1 });
    world.arbiter.exited(1, "exit status 1");
    world.arbiter.ready(2);
    world.pass(10_000);
    world.take();
    world.arbiter.exited(2, "exit status 1");
    expect(world.take()).toEqual(["spawn 3 at 0 of 1"]);
  });

  it("stops at once in the middle of a crash loop", () => {
    const world = World.serving({ workers: 1 });
    world.arbiter.exited(1, "exit status 1");
    world.arbiter.exited(2, "exit status 1");
    world.take();
    world.arbiter.stop(true);
    world.arbiter.listeningClosed();
    expect(world.take()).toEqual(["close"]);
    expect(world.ended).toEqual({ failure: undefined });
    expect(world.arbiter.nextDeadline).toBe(Infinity);
  });

  it("tries a boot again that failed after the start, with pauses, and serves on", () => {
    const world = World.serving();
    world.arbiter.exited(2, "exit status 1");
    world.arbiter.bootFailed(3, broken);
    world.arbiter.exited(3, "exit status 1");
    expect(world.take()).toEqual(["spawn 3 at 1 of 1"]);
    world.pass(499);
    expect(world.take()).toEqual([]);
    world.pass(1);
    expect(world.take()).toEqual(["spawn 4 at 1 of 1"]);
    expect(world.ended).toBeUndefined();
  });
});

describe("Arbiter, when a loop is blocked", () => {
  it("kills the worker not later than half a second after the timeout, and replaces it at once", () => {
    const world = World.serving({ timeout: 2 });
    world.pass(2299, 2);
    expect(world.take()).toEqual([]);
    world.pass(200, 2);
    expect(world.take()).toEqual(["kill 2", "spawn 3 at 1 of 1"]);
    world.arbiter.exited(2, "signal SIGKILL");
    expect(world.take()).toEqual([]);
    expect(world.arbiter.restarts).toMatchObject({ timeout: 1, crash: 0 });
  });

  it("does not take its own standstill for theirs", () => {
    const world = World.serving({ timeout: 2 });
    world.now += 60_000;
    world.arbiter.wake();
    expect(world.take()).toEqual([]);
    world.pass(1299, 1, 2);
    world.pass(10, 1, 2);
    expect(world.take()).toEqual(["kill 1", "kill 2", "spawn 3 at 0 of 1", "spawn 4 at 1 of 1"]);
  });

  it("never kills without a timeout", () => {
    const world = World.serving({ timeout: 0 });
    world.pass(3_600_000, 1, 2);
    expect(world.take()).toEqual([]);
  });
});

describe("Arbiter, asked for a reload", () => {
  it("replaces one worker after the other, each when the new one is ready", async () => {
    const world = World.serving();
    const outcome = world.reload();
    expect(world.take()).toEqual(["spawn 3 at 0 of 2"]);
    world.arbiter.ready(3);
    expect(world.take()).toEqual(["admit 3", "drain 1", "spawn 4 at 1 of 2"]);
    await settled();
    expect(outcome.result).toBeUndefined();
    world.arbiter.ready(4);
    expect(world.take()).toEqual(["admit 4", "drain 2"]);
    await settled();
    expect(outcome.result).toEqual({ ok: true, generation: 2, message: "reloaded: 2 workers of generation 2" });
    expect(world.arbiter.restarts.reload).toBe(2);
    world.arbiter.exited(1, "exit status 0");
    world.arbiter.exited(2, "exit status 0");
    expect(world.take()).toEqual([]);
  });

  it.each(["says so", "ends", "hangs"])("keeps the old workers when the new one %s", async (how) => {
    const world = World.serving();
    const outcome = world.reload({ workers: 5, bootTimeout: 5 });
    if (how === "says so") world.arbiter.bootFailed(3, broken);
    if (how === "hangs") world.pass(5000);
    world.arbiter.exited(3, "exit status 1");
    await settled();
    expect(outcome.result?.ok).toBe(false);
    expect(outcome.result?.generation).toBe(1);
    if (how === "says so")
      expect(outcome.result).toMatchObject({ message: "the reload was given up: it is broken", detail: "at line 1" });
    expect(world.take()).toEqual(how === "hangs" ? ["spawn 3 at 0 of 2", "kill 3"] : ["spawn 3 at 0 of 2"]);
    world.pass(60_000);
    expect(world.take()).toEqual([]);
    expect(world.arbiter.wanted).toBe(2);
    // And the next one works.
    world.reload();
    expect(world.take()).toEqual(["spawn 4 at 0 of 3"]);
  });

  it("has more workers only when the new code got ready, and fewer only then", async () => {
    const more = World.serving();
    more.reload({ workers: 3 });
    expect(more.take()).toEqual(["spawn 3 at 0 of 2"]);
    more.arbiter.ready(3);
    expect(more.take()).toEqual(["admit 3", "drain 1", "spawn 4 at 2 of 2"]);

    const fewer = World.serving();
    const outcome = fewer.reload({ workers: 1 });
    expect(fewer.take()).toEqual(["spawn 3 at 0 of 2"]);
    fewer.arbiter.ready(3);
    expect(fewer.take()).toEqual(["admit 3", "drain 1", "drain 2"]);
    await settled();
    expect(outcome.result?.ok).toBe(true);
  });

  it("takes a worker fewer in the middle of it", async () => {
    const world = World.serving();
    const outcome = world.reload();
    world.take();
    world.arbiter.scale(1);
    expect(world.take()).toEqual(["drain 2"]);
    world.arbiter.ready(3);
    expect(world.take()).toEqual(["admit 3", "drain 1"]);
    await settled();
    expect(outcome.result?.ok).toBe(true);
  });

  it("replaces an old worker that dies in the middle of it by a new one", async () => {
    const world = World.serving();
    const outcome = world.reload();
    world.take();
    world.arbiter.exited(2, "signal SIGKILL");
    expect(world.take()).toEqual(["spawn 4 at 1 of 2"]);
    world.arbiter.ready(4);
    world.arbiter.ready(3);
    expect(world.take()).toEqual(["admit 4", "admit 3", "drain 1"]);
    await settled();
    expect(outcome.result?.ok).toBe(true);
  });

  it("says how many have the new code when a later one fails", async () => {
    const world = World.serving();
    const outcome = world.reload();
    world.arbiter.ready(3);
    world.arbiter.bootFailed(4, { message: "it is broken", detail: undefined });
    await settled();
    expect(outcome.result?.message).toBe(
      "the reload was given up: it is broken (1 of 2 workers have the new code already: mend it and reload again)",
    );
  });

  it("gives up for a stop", async () => {
    const world = World.serving();
    const outcome = world.reload();
    world.arbiter.stop(true);
    world.arbiter.listeningClosed();
    await settled();
    expect(outcome.result).toMatchObject({ ok: false, message: "the reload was given up: the server is stopping" });
    expect(world.take()).toEqual(["spawn 3 at 0 of 2", "kill 3", "close", "drain 1", "drain 2"]);
    expect((await world.arbiter.reload({ workers: 2, timeout: 1, bootTimeout: 1, gracefulTimeout: 1, drainDelay: 0 })).ok).toBe(
      false,
    );
  });

  it("ends a crash loop without waiting", async () => {
    const world = World.serving({ workers: 1 });
    for (let i = 0; i < 5; i++) {
      world.arbiter.exited(world.spawned, "exit status 1");
      world.pass(60_000, world.spawned);
    }
    world.arbiter.exited(world.spawned, "exit status 1");
    const last = world.spawned;
    world.take();
    const outcome = world.reload({ workers: 1 });
    expect(world.take()).toEqual([`spawn ${last + 1} at 0 of 2`]);
    world.arbiter.ready(last + 1);
    await settled();
    expect(outcome.result?.ok).toBe(true);
  });
});

describe("Arbiter, asked to replace a worker", () => {
  it("starts the new one first, and one at a time", () => {
    const world = World.serving();
    world.arbiter.recycle(1, "max-requests");
    world.arbiter.recycle(2, "max-memory");
    expect(world.take()).toEqual(["spawn 3 at 0 of 1"]);
    world.arbiter.ready(3);
    expect(world.take()).toEqual(["admit 3", "drain 1", "spawn 4 at 1 of 1"]);
    world.arbiter.ready(4);
    expect(world.take()).toEqual(["admit 4", "drain 2"]);
    expect(world.arbiter.restarts).toMatchObject({ "max-requests": 1, "max-memory": 1 });
  });

  it("keeps it when the new one does not boot, and tries again", () => {
    const world = World.serving();
    world.arbiter.recycle(1, "max-requests");
    world.arbiter.bootFailed(3, broken);
    world.arbiter.exited(3, "exit status 1");
    expect(world.take()).toEqual(["spawn 3 at 0 of 1", "spawn 4 at 0 of 1"]);
    world.arbiter.bootFailed(4, broken);
    world.arbiter.exited(4, "exit status 1");
    world.pass(500);
    expect(world.take()).toEqual(["spawn 5 at 0 of 1"]);
  });
});

describe("Arbiter, told to stop", () => {
  it("drains all when the sockets are closed, and kills what does not end in time", () => {
    const world = World.serving({ gracefulTimeout: 10 });
    world.arbiter.stop(true);
    expect(world.take()).toEqual(["close"]);
    world.arbiter.listeningClosed();
    expect(world.take()).toEqual(["drain 1", "drain 2"]);
    world.arbiter.exited(1, "exit status 0");
    world.pass(12_000);
    expect(world.take()).toEqual(["kill 2"]);
    world.arbiter.exited(2, "signal SIGKILL");
    expect(world.ended).toEqual({ failure: undefined });
  });

  it("goes on accepting, and replacing, for the drain delay", () => {
    const world = World.serving({ drainDelay: 5 });
    world.arbiter.stop(true);
    expect(world.take()).toEqual(["announce 1", "announce 2"]);
    expect(world.arbiter.phase).toBe("draining");
    world.arbiter.exited(1, "signal SIGKILL");
    expect(world.take()).toEqual(["spawn 3 at 0 of 1"]);
    world.pass(5000);
    expect(world.take()).toEqual(["kill 3", "close"]);
  });

  it("quits at once the second time, and kills what does not", () => {
    const world = World.serving();
    world.arbiter.stop(true);
    world.arbiter.listeningClosed();
    world.take();
    world.arbiter.stop(false);
    expect(world.take()).toEqual(["quit 1", "quit 2"]);
    world.pass(500);
    expect(world.take()).toEqual(["kill 1", "kill 2"]);
  });
});

describe("Arbiter, told how many workers there shall be", () => {
  it("starts those that are missing, and drains those that are too many", () => {
    const world = World.serving();
    world.arbiter.scale(3);
    expect(world.take()).toEqual(["spawn 3 at 2 of 1"]);
    world.arbiter.scale(1);
    expect(world.take()).toEqual(["drain 2", "kill 3"]);
  });

  it("ends all for a pause, and brings them back for a reload", async () => {
    const world = World.serving();
    world.arbiter.pause();
    expect(world.take()).toEqual(["drain 1", "drain 2"]);
    world.arbiter.exited(1, "exit status 0");
    world.arbiter.exited(2, "exit status 0");
    expect(world.take()).toEqual([]);
    expect(world.ended).toBeUndefined();
    const outcome = world.reload();
    expect(world.take()).toEqual(["spawn 3 at 0 of 2", "spawn 4 at 1 of 2"]);
    world.arbiter.ready(3);
    world.arbiter.ready(4);
    await settled();
    expect(outcome.result?.ok).toBe(true);
  });
});
