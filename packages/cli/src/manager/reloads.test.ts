import { describe, expect, it } from "vitest";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";
import type { Plan } from "./plan.ts";
import { Reloads } from "./reloads.ts";
import type { ReloadResult } from "./status.ts";

const done = (generation: number): ReloadResult => ({ ok: true, generation, message: `generation ${generation}` });

/** Reloads in a world where each must be ended by the test. */
class World {
  readonly said: string[] = [];
  readonly plans: Plan[] = [];
  readonly finish: ((result: ReloadResult) => void)[] = [];
  generations: readonly number[] = [1];
  refusal: string | undefined = undefined;
  failure: unknown = undefined;
  readonly reloads = new Reloads({
    log: { info: (text) => this.said.push(`info: ${text}`), error: (text) => this.said.push(`error: ${text}`) },
    refusal: () => this.refusal,
    readPlan: async () => {
      if (this.failure !== undefined) throw this.failure;
      return { settings: {} as Settings, launch: {} as Plan["launch"] };
    },
    replace: () => new Promise((resolve) => this.finish.push(resolve)),
    generations: () => this.generations,
    generation: () => 1,
    succeeded: (plan) => void this.plans.push(plan),
    changed: () => void this.said.push("changed"),
  });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Reloads", () => {
  it("are one at a time, and whoever asks meanwhile waits for one that begins later, all for the same", async () => {
    const world = new World();
    const first = world.reloads.ask();
    await turn();
    const others = [world.reloads.ask(), world.reloads.ask()];
    await turn();
    expect(world.finish).toHaveLength(1);
    world.finish[0]?.(done(2));
    expect(await first).toEqual(done(2));
    await turn();
    expect(world.finish).toHaveLength(2);
    // That one has read the files already.
    const last = world.reloads.ask();
    world.finish[1]?.(done(3));
    expect(await Promise.all(others)).toEqual([done(3), done(3)]);
    await turn();
    world.finish[2]?.(done(4));
    expect(await last).toEqual(done(4));
    expect(world.reloads.last).toEqual(done(4));
    expect(world.plans).toHaveLength(3);
    expect(world.said).toEqual([2, 3, 4].flatMap((generation) => [`info: generation ${generation}`, "changed"]));
  });

  it("know the plan of the next workers only while they are under way", async () => {
    const world = new World();
    expect(world.reloads.next).toBeUndefined();
    const asked = world.reloads.ask();
    await turn();
    expect(world.reloads.next).toBeDefined();
    world.finish[0]?.({ ok: false, generation: 1, message: "it is broken" });
    await asked;
    expect(world.reloads.next).toBeUndefined();
    expect(world.plans).toEqual([]);
  });

  it.each([
    [[1, 1], "generation 1 serves on"],
    [[2, 1, 2], "generations 1 and 2 serve on"],
    [[], "no worker serves"],
  ])("that fail say who serves: %j", async (generations, text) => {
    const world = new World();
    world.generations = generations;
    const asked = world.reloads.ask();
    await turn();
    world.finish[0]?.({ ok: false, generation: 1, message: "it is broken" });
    expect((await asked).message).toBe(`it is broken; ${text}`);
    expect(world.said).toEqual([`error: it is broken; ${text}`, "changed"]);
  });

  it.each([
    ["settings that are wrong", new StartError("there is no flag --wrong"), "there is no flag --wrong"],
    ["whatever else the config file throws", new TypeError("no"), "TypeError: no"],
  ])("are given up for %s, and the next one works", async (_what, failure, text) => {
    const world = new World();
    world.failure = failure;
    expect(await world.reloads.ask()).toEqual({
      ok: false,
      generation: 1,
      message: `the reload was given up: ${text}; generation 1 serves on`,
    });
    world.failure = undefined;
    const next = world.reloads.ask();
    await turn();
    world.finish[0]?.(done(2));
    expect(await next).toEqual(done(2));
  });

  it("are not begun where that makes no sense", async () => {
    const world = new World();
    world.refusal = "the sockets were left";
    expect((await world.reloads.ask()).message).toBe("the reload was given up: the sockets were left; generation 1 serves on");
  });
});
