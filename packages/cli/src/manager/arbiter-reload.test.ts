import { describe, expect, it } from "vitest";
import { broken, settled, World } from "../testing/arbiter-world.ts";

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

  it("keeps the places that it takes away until the new code got ready", () => {
    const world = World.serving({ workers: 3 });
    world.reload({ workers: 1 });
    expect(world.arbiter.places).toBe(3);
    world.arbiter.ready(4);
    expect(world.arbiter.places).toBe(1);
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
