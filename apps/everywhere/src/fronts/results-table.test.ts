import { describe, expect, it } from "vitest";
import type { Pair } from "./pair.ts";
import { replaceResults, resultsTable } from "./results-table.ts";

const lack = (why: string): Pair["lacks"] => ({ "two slashes": { why, sees: /x/ } });
const pair = (name: string, lacks: Pair["lacks"] = {}): Pair => ({ name, title: name.toUpperCase(), needs: [], lacks });

describe("resultsTable", () => {
  it("counts for each mount, and tells who lacks what and why", () => {
    const names = ["at /", "over TLS"] as const;
    const whole = { carried: 3, all: 3, lacking: [] };
    const less = { carried: 2, all: 3, lacking: ["two slashes"] };
    const results = [
      { pair: pair("a"), mounts: [{ mount: names[0], ...whole }] },
      { pair: pair("b", lack("it merges them")), mounts: names.map((mount) => ({ mount, ...less })) },
      {
        pair: pair("c", lack("it merges them")),
        mounts: [
          { mount: names[0], ...less },
          { mount: names[1], ...whole },
        ],
      },
      { pair: pair("d", lack("it drops both")), mounts: names.map((mount) => ({ mount, ...less })) },
    ];
    expect(resultsTable(results, ["A 1.2", "B 3"], names).split("\n")).toEqual([
      "Seen with A 1.2, B 3.",
      "",
      "| front server and protocol | at / | over TLS |",
      "| --- | --- | --- |",
      "| [A](../../apps/everywhere/fronts/a) | 3 of 3 | no TLS |",
      "| [B](../../apps/everywhere/fronts/b) | 2 of 3 | 2 of 3 |",
      "| [C](../../apps/everywhere/fronts/c) | 2 of 3 | 3 of 3 |",
      "| [D](../../apps/everywhere/fronts/d) | 2 of 3 | 2 of 3 |",
      "",
      "What is not carried, and why:",
      "",
      "- **two slashes** — B; C (at /): it merges them. — D: it drops both.",
    ]);
  });
});

describe("replaceResults", () => {
  it("replaces what stands between the markers, again and again", () => {
    const readme = "# A\n\n<!-- fronts: begin -->\nold\n<!-- fronts: end -->\n\nrest\n";
    const once = replaceResults(readme, "new");
    expect(once).toBe("# A\n\n<!-- fronts: begin -->\n\nnew\n\n<!-- fronts: end -->\n\nrest\n");
    expect(replaceResults(once, "new")).toBe(once);
  });

  it("refuses a README without them", () => {
    expect(() => replaceResults("# A\n", "new")).toThrow("the README has no <!-- fronts: begin -->");
  });
});
