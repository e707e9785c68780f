import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "@gateway/testing/programs";
import { casesOf } from "./fronts/cases/table.ts";
import { Installation, workspace } from "./fronts/installation.ts";
import { runFrontCase } from "./fronts/outcome.ts";
import type { Pair } from "./fronts/pair.ts";
import { pairs } from "./fronts/pairs.ts";
import { replaceResults, resultsTable, type MountResult, type PairResult } from "./fronts/results-table.ts";
import { missingFor, startPair } from "./fronts/run-pair.ts";
import { mounts } from "./fronts/site.ts";

/** How each front server is asked for its version, and what it is called. */
const fronts: Readonly<Record<string, readonly [title: string, option: string]>> = {
  nginx: ["nginx", "-v"],
  apache2: ["Apache httpd", "-v"],
  lighttpd: ["lighttpd", "-v"],
  haproxy: ["HAProxy", "-v"],
  caddy: ["Caddy", "version"],
  varnishd: ["Varnish", "-V"],
};

function versions(): string[] {
  return Object.entries(fronts).map(([program, [title, option]]) => {
    // Some write it to standard error.
    const said = execFileSync("sh", ["-c", `"${findProgram(program)}" ${option} 2>&1`], { encoding: "utf8" });
    return `${title} ${/[0-9]+(?:\.[0-9]+)+/.exec(said)?.[0] ?? "of an unknown version"}`;
  });
}

async function resultOf(pair: Pair, root: string): Promise<PairResult> {
  await using running = await startPair(pair, root);
  const results: MountResult[] = [];
  for (const site of running.sites) {
    const all = casesOf(pair, site);
    const lacking: string[] = [];
    for (const known of all) if (!(await runFrontCase(pair, site, known))) lacking.push(known.name);
    results.push({ mount: site.name, carried: all.length - lacking.length, all: all.length, lacking });
    console.log(`${pair.name} ${site.name}: ${all.length - lacking.length} of ${all.length}`);
  }
  return { pair, mounts: results };
}

const missing = [...new Set(pairs.flatMap(missingFor))];
if (missing.length > 0) throw new Error(`these programs are missing: ${missing.join(", ")}`);
const results: PairResult[] = [];
using installation = new Installation();
for (const pair of pairs) results.push(await resultOf(pair, installation.folder));
const readme = join(workspace, "../../packages/testing/README.md");
const names = mounts.map(({ name }) => name);
writeFileSync(readme, replaceResults(readFileSync(readme, "utf8"), resultsTable(results, versions(), names)));
