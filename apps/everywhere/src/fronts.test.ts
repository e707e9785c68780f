import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { casesOf, frontCases } from "./fronts/cases/table.ts";
import { Installation, workspace } from "./fronts/installation.ts";
import { runFrontCase } from "./fronts/outcome.ts";
import { pairs } from "./fronts/pairs.ts";
import { missingFor, mountsOf, startPair, type RunningPair } from "./fronts/run-pair.ts";

let installation: Installation;
beforeAll(() => {
  installation = new Installation();
});
afterAll(() => installation[Symbol.dispose]());

// One after the other: each has the machine for itself.
for (const pair of pairs) {
  const missing = missingFor(pair);
  describe.skipIf(missing.length > 0)(`${pair.name}${missing.length > 0 ? ` (missing: ${missing.join(", ")})` : ""}`, () => {
    let running: RunningPair;
    beforeAll(async () => {
      running = await startPair(pair, installation.folder);
    }, 60_000);
    afterAll(() => running.stop(), 60_000);

    describe.each(mountsOf(pair))("$name", (mount) => {
      it.each(casesOf(pair, mount))("$name", async (known) => {
        const site = running.sites.find(({ name }) => name === mount.name);
        if (site === undefined) throw new Error(`${pair.name} does not run ${mount.name}`);
        await runFrontCase(pair, site, known);
      });
    });

    it("closed each body once", () => {
      const counts = [...running.closings().values()];
      // Two of the cases at each mount look for it.
      expect(counts).toEqual(Array.from({ length: 2 * mountsOf(pair).length }, () => 1));
    });
  });
}

describe("the pairs", () => {
  it("are the folders of fronts", () => {
    expect(readdirSync(join(workspace, "fronts")).toSorted()).toEqual(pairs.map(({ name }) => name).toSorted());
  });

  it("are all in the README", () => {
    const readme = readFileSync(join(workspace, "README.md"), "utf8");
    expect(
      pairs.filter(
        ({ name }) => !readme.includes(`**[${name}](fronts/${name})`) && !readme.includes(`, [${name}](fronts/${name})`),
      ),
    ).toEqual([]);
  });

  it("lack cases that there are", () => {
    const names = new Set(frontCases.map(({ name }) => name));
    expect(pairs.flatMap(({ lacks }) => Object.keys(lacks)).filter((name) => !names.has(name))).toEqual([]);
  });

  it("have cases of different names", () => {
    const names = frontCases.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });
});
