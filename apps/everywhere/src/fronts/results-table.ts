import type { Pair } from "./pair.ts";
import type { Mount } from "./site.ts";

/** What came of the cases of a pair at one mount. */
export interface MountResult {
  readonly mount: Mount["name"];
  /** Cases that were carried, and all that ran. */
  readonly carried: number;
  readonly all: number;
  /** Names of those that were not. */
  readonly lacking: readonly string[];
}

/** What came of the cases of a pair. */
export interface PairResult {
  readonly pair: Pair;
  readonly mounts: readonly MountResult[];
}

/** The results in Markdown: a table of counts, and below it what was lacking, why, and where. */
export function resultsTable(results: readonly PairResult[], versions: readonly string[], names: readonly Mount["name"][]): string {
  const rows = results.map(({ pair, mounts }) => {
    const cells = names.map((name) => {
      const result = mounts.find(({ mount }) => mount === name);
      return result === undefined ? "no TLS" : `${result.carried} of ${result.all}`;
    });
    return `| [${pair.title}](../../apps/everywhere/fronts/${pair.name}) | ${cells.join(" | ")} |`;
  });
  return [
    `Seen with ${versions.join(", ")}.`,
    "",
    `| front server and protocol | ${names.join(" | ")} |`,
    `| --- | ${names.map(() => "---").join(" | ")} |`,
    ...rows,
    "",
    "What is not carried, and why:",
    "",
    ...lacking(results),
  ].join("\n");
}

/** One line for each case that somebody lacks; those who lack it for the same reason together. */
function lacking(results: readonly PairResult[]): string[] {
  const cases = new Set(results.flatMap(({ mounts }) => mounts.flatMap((result) => result.lacking)));
  return [...cases].toSorted().map((name) => {
    const reasons = new Map<string, string[]>();
    for (const { pair, mounts } of results) {
      const where = mounts.filter((result) => result.lacking.includes(name)).map(({ mount }) => mount);
      if (where.length === 0) continue;
      const why = pair.lacks[name]?.why ?? "";
      const only = where.length === mounts.length || pair.startsEachRequest === true ? "" : ` (${where.join(", ")})`;
      reasons.set(why, [...(reasons.get(why) ?? []), `${pair.title}${only}`]);
    }
    const groups = [...reasons].map(([why, titles]) => `${titles.join("; ")}: ${why}`);
    return `- **${name}** — ${groups.join(". — ")}.`;
  });
}

const [begin, end] = ["<!-- fronts: begin -->", "<!-- fronts: end -->"];

/**
 * Puts the results into a README, between its markers.
 *
 * @throws {Error} if it does not have both.
 */
export function replaceResults(readme: string, table: string): string {
  const from = readme.indexOf(begin);
  const to = readme.indexOf(end);
  if (from === -1 || to < from) throw new Error(`the README has no ${begin} and ${end}`);
  return `${readme.slice(0, from + begin.length)}\n\n${table}\n\n${readme.slice(to)}`;
}
