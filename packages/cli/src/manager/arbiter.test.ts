import { describe, expect, it } from "vitest";
import { broken, settled, World } from "../testing/arbiter-world.ts";

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
    expect(world.ended?.failure?.message).toBe(
      how === "says so" ? "it is broken" : "the worker ended before it was ready: exit status 1",
    );
  });

  it("gives up when the first worker does not get ready in time", () => {
    const world = new World({ bootTimeout: 5 });
    world.arbiter.start();
    world.pass(5000);
    expect(world.take()).toEqual(["spawn 1 at 0 of 1", "kill 1"]);
    world.arbiter.exited(1, "signal SIGKILL");
    expect(world.ended?.failure?.message).toBe("loading the application did not finish within --boot-timeout (5s)");
  });

  it.each(["says so", "ends", "hangs"])("starts one that shows why, with reload, when the first worker %s", async (how) => {
    const world = new World({ reload: true, bootTimeout: 5 });
    world.arbiter.start();
    if (how === "says so") world.arbiter.bootFailed(1, broken);
    if (how === "hangs") world.pass(5000);
    world.arbiter.exited(1, "exit status 1");
    const why =
      { "says so": "it is broken", ends: "the worker ended before it was ready: exit status 1" }[how] ??
      "loading the application did not finish within --boot-timeout (5s)";
    expect(world.take().filter((what) => what !== "kill 1")).toEqual(["spawn 1 at 0 of 1", `spawn 2 at 0 of 1, since ${why}`]);
    expect([world.log, world.shown, world.ended]).toEqual([[why], [why], undefined]);

    world.arbiter.ready(2);
    expect(world.take()).toEqual(["admit 2", `spawn 3 at 1 of 1, since ${why}`]);
    expect(world.arbiter.phase).toBe("serving");
    world.arbiter.ready(3);
    const reload = world.reload({ reload: true });
    expect(world.take()).toEqual(["admit 3", "spawn 4 at 0 of 2"]);
    world.arbiter.bootFailed(4, { message: "it is broken still", detail: undefined });
    world.arbiter.exited(4, "exit status 1");
    await settled();
    expect([world.take(), world.shown.at(-1), reload.result?.ok]).toEqual([[], "it is broken still", false]);
  });

  it("has no stand-ins any more, with reload, once a reload has succeeded", async () => {
    const world = new World({ reload: true, workers: 1 });
    world.arbiter.start();
    world.arbiter.bootFailed(1, broken);
    world.arbiter.exited(1, "exit status 1");
    world.arbiter.ready(2);
    const reload = world.reload({ reload: true, workers: 1 });
    world.arbiter.ready(3);
    world.arbiter.exited(2, "exit status 0");
    await settled();
    expect(reload.result?.ok).toBe(true);
    world.take();
    world.arbiter.exited(3, "signal SIGKILL");
    expect(world.take()).toEqual(["spawn 4 at 0 of 2"]);
  });

  it("gives up, with reload, when not even the one that shows why gets ready", () => {
    const world = new World({ reload: true });
    world.arbiter.start();
    for (const id of [1, 2]) {
      world.arbiter.bootFailed(id, broken);
      world.arbiter.exited(id, "exit status 1");
    }
    expect(world.ended).toEqual({ failure: broken });
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

describe("Arbiter, with more workers than CPUs", () => {
  it("boots no more at the same time than there are CPUs, and the next when one is ready or has failed", () => {
    const world = new World({ workers: 900, bootTimeout: 60 }, 3);
    world.arbiter.start();
    world.arbiter.ready(1);
    expect(world.take()).toEqual(["spawn 1 at 0 of 1", "admit 1", "spawn 2 at 1 of 1", "spawn 3 at 2 of 1", "spawn 4 at 3 of 1"]);
    world.arbiter.ready(3);
    expect(world.take()).toEqual(["admit 3", "spawn 5 at 4 of 1"]);
    world.arbiter.bootFailed(2, broken);
    // Its place may be tried again at once.
    expect(world.take()).toEqual(["spawn 6 at 5 of 1"]);
    world.arbiter.exited(2, "exit status 1");
    expect(world.take()).toEqual([]);
    world.arbiter.exited(4, "signal SIGKILL");
    expect(world.take()).toEqual(["spawn 7 at 1 of 1"]);
    world.pass(60_000);
    expect(world.take().filter((what) => what.startsWith("spawn"))).toHaveLength(3);
  });

  it("boots two at the same time where there is one CPU", () => {
    const world = new World({ workers: 4 }, 1);
    world.arbiter.start();
    world.arbiter.ready(1);
    expect(world.take()).toEqual(["spawn 1 at 0 of 1", "admit 1", "spawn 2 at 1 of 1", "spawn 3 at 2 of 1"]);
  });

  it("has all of them in the end", () => {
    const world = new World({ workers: 50 }, 4);
    world.arbiter.start();
    for (let id = 1; id <= world.spawned; id++) world.arbiter.ready(id);
    expect(world.arbiter.members.map(({ index }) => index)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  it.each([
    ["fewer are wanted", (world: World) => world.arbiter.scale(1), ["drain 2", "kill 3", "kill 4"]],
    ["the workers are stopped", (world: World) => world.arbiter.pause(), ["drain 1", "drain 2", "kill 3", "kill 4"]],
    ["all is stopped", (world: World) => world.arbiter.stop(true), ["kill 3", "kill 4", "close"]],
  ])("never starts those that have not been started when %s", (_what, act, did) => {
    const world = World.serving();
    world.arbiter.scale(900);
    expect(world.take()).toEqual(["spawn 3 at 2 of 1", "spawn 4 at 3 of 1"]);
    act(world);
    expect(world.take()).toEqual(did);
    for (const id of [3, 4]) world.arbiter.exited(id, "signal SIGKILL");
    world.pass(1000);
    expect(world.take()).toEqual([]);
  });

  it("replaces all of them in a reload, one at a time", async () => {
    const world = new World({ workers: 5 });
    world.arbiter.start();
    for (let id = 1; id <= 5; id++) world.arbiter.ready(id);
    world.take();
    const reload = world.reload({ workers: 5 });
    for (let id = 6; id <= 10; id++) {
      expect(world.take().filter((what) => what.startsWith("spawn"))).toEqual([`spawn ${id} at ${id - 6} of 2`]);
      world.arbiter.ready(id);
    }
    await settled();
    expect(reload.result).toMatchObject({ ok: true, message: "reloaded: 5 workers of generation 2" });
  });
});

describe("Arbiter, asked for something before the first worker is ready", () => {
  it("boots another one for a reload, and comes to its end with that", async () => {
    const world = new World();
    world.arbiter.start();
    const outcome = world.reload();
    expect(world.take()).toEqual(["spawn 1 at 0 of 1", "kill 1", "spawn 2 at 0 of 2"]);
    world.arbiter.exited(1, "signal SIGKILL");
    world.arbiter.ready(2);
    expect(world.take()).toEqual(["admit 2", "spawn 3 at 1 of 2"]);
    world.arbiter.ready(3);
    await settled();
    expect(outcome.result).toMatchObject({ ok: true, generation: 2 });
    expect(world.arbiter.restarts.boot).toBe(0);
  });

  it("says to whoever asked for the reload why that comes to nothing, and gives up", async () => {
    const world = new World();
    world.arbiter.start();
    const outcome = world.reload();
    world.arbiter.bootFailed(2, broken);
    world.arbiter.exited(1, "signal SIGKILL");
    world.arbiter.exited(2, "exit status 1");
    await settled();
    expect(outcome.result).toMatchObject({ ok: false, message: "the reload was given up: it is broken", detail: "at line 1" });
    expect(world.ended).toEqual({ failure: broken });
  });

  it("stops without the drain delay: nobody was sent here yet", () => {
    const world = new World({ drainDelay: 60 });
    world.arbiter.start();
    world.arbiter.stop(true);
    expect(world.take()).toEqual(["spawn 1 at 0 of 1", "kill 1", "close"]);
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

  it("begins no reload in the drain delay", async () => {
    const world = World.serving({ drainDelay: 5 });
    world.arbiter.stop(true);
    world.take();
    const outcome = world.reload();
    await settled();
    expect(outcome.result).toMatchObject({ ok: false, message: "the server is stopping" });
    expect(world.take()).toEqual([]);
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
