import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { campaignTimeout, scaled } from "@gateway/testing/campaign";
import { startChild, type Child } from "./test-child.ts";
import type { LayerAnswer, LayerQuestion } from "./test-layer-process.ts";

/** How many races of each kind; they are run in parts, each in a folder of its own. */
const races = scaled(10_000);
const moves = scaled(1000);
const part = 500;

describe("two processes behind the layer, over one folder of sessions", () => {
  let one: Child;
  let other: Child;
  let directory: string;
  let meeting: string;
  beforeAll(async () => {
    [one, other] = await Promise.all([startChild("test-layer-process.ts"), startChild("test-layer-process.ts")]);
  });
  afterAll(async () => {
    await Promise.all([one[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  });
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "gateway-races-"));
    meeting = mkdtempSync(join(tmpdir(), "gateway-meeting-"));
  });
  afterEach(() => {
    for (const folder of [directory, meeting]) rmSync(folder, { recursive: true, force: true });
  });

  const alone = (work: "create" | "show", cookies: readonly string[]): Promise<LayerAnswer> =>
    one.ask<LayerAnswer>({ directory, meeting: "", do: work, cookies, key: "first" } satisfies LayerQuestion);

  const race = (
    first: LayerQuestion["do"],
    second: LayerQuestion["do"],
    cookies: readonly string[],
  ): Promise<readonly [LayerAnswer, LayerAnswer]> =>
    Promise.all([
      one.ask<LayerAnswer>({ directory, meeting, do: first, cookies, key: "first" } satisfies LayerQuestion),
      other.ask<LayerAnswer>({ directory, meeting, do: second, cookies, key: "second" } satisfies LayerQuestion),
    ]);

  const create = async (count: number): Promise<readonly string[]> =>
    (
      await alone(
        "create",
        Array.from({ length: count }, () => ""),
      )
    ).cookies;

  const inParts = async (count: number, run: (count: number) => Promise<void>): Promise<void> => {
    for (let done = 0; done < count; done += part) {
      await run(Math.min(part, count - done));
      for (const folder of [directory, meeting]) for (const name of readdirSync(folder)) rmSync(join(folder, name));
    }
  };

  it(
    "keep what both change under different keys, and count together",
    async () => {
      let conflicts = 0;
      await inParts(races, async (count) => {
        const cookies = await create(count);
        const answers = await race("change", "change", cookies);
        for (const answer of answers) conflicts += answer.conflicts;
        const { bodies } = await alone("show", cookies);
        const lost = bodies.filter(
          (body) =>
            body !== '{"isNew":false,"count":2,"first":1,"second":1}' && body !== '{"isNew":false,"count":2,"second":1,"first":1}',
        );
        expect(lost).toEqual([]);
      });
      console.log(`${races} races of two changes: ${conflicts} conflicts, none lost`);
      expect(conflicts).toBeGreaterThan(0);
    },
    campaignTimeout,
  );

  it(
    "do not bring back what one destroys while the other saves",
    async () => {
      let conflicts = 0;
      await inParts(races, async (count) => {
        const cookies = await create(count);
        const [saves] = await race("change", "destroy", cookies);
        conflicts += saves.conflicts;
        expect(readdirSync(directory)).toEqual([]);
        const { bodies } = await alone("show", cookies);
        expect(bodies.filter((body) => body !== '{"isNew":true}')).toEqual([]);
      });
      console.log(`${races} races of a save and a destroy: ${conflicts} conflicts, none resurrected`);
      expect(conflicts).toBeGreaterThan(0);
    },
    campaignTimeout,
  );

  it(
    "do not bring back by a new id what one destroys",
    async () => {
      let conflicts = 0;
      let carriedOff = 0;
      await inParts(moves, async (count) => {
        const cookies = await create(count);
        const [moving] = await race("regenerate", "destroy", cookies);
        conflicts += moving.conflicts;
        const moved = moving.cookies.filter((cookie) => cookie !== "");
        carriedOff += moved.length;
        const { bodies } = await alone("show", [...cookies, ...moved]);
        expect(bodies.filter((body) => body !== '{"isNew":true}')).toEqual([]);
      });
      console.log(
        `${moves} races of a new id and a destroy: ${conflicts} conflicts, ${carriedOff} found under the new id, none left`,
      );
      expect(conflicts).toBeGreaterThan(0);
    },
    campaignTimeout,
  );
});
