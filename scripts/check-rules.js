// Proves that tests notice each rule: switches off one rule of the validator or of the run loop at a time, and prints the test that then fails.
// Fails itself when a rule can be switched off and no test notices. `--tenth` takes a seeded tenth (SEED, 1 unless set); other words are names
// of rules to take.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runLoopRules } from "./rules/run-loop.js";
import { root } from "./workspaces.js";

const tests = {
  validator: ["packages/validate/src/**/*.test.ts"],
  run: [
    "packages/core/src/run*.test.ts",
    "packages/core/src/head.test.ts",
    "packages/core/src/report.test.ts",
    "packages/testing/src/conformance/memory-transport.test.ts",
  ],
};

const specification = readFileSync(join(root, "packages/core/SPEC.md"), "utf8");
const validatorRules = [
  ...readFileSync(join(root, "packages/validate/src/rules.ts"), "utf8").matchAll(/^ {2}([GAM][0-9]+):/gm),
].map(([, id]) => ({
  name: `validator ${id}`,
  file: "packages/validate/src/breach.ts",
  find: "  throw new ValidationError(rule, value);",
  replace: `  if (rule === "${id}") return undefined as never;\n  throw new ValidationError(rule, value);`,
  tests: tests.validator,
}));
const all = [...validatorRules, ...runLoopRules.map((rule) => ({ ...rule, tests: tests.run }))];
for (const { rule, name } of runLoopRules) {
  if (!specification.includes(`**${rule}**`)) throw new Error(`${name}: SPEC.md has no rule ${rule}`);
}

const words = process.argv.slice(2);
const chosen = words.includes("--tenth")
  ? tenth(all)
  : words.length > 0
    ? all.filter(({ name }) => words.some((word) => name.includes(word)))
    : all;
const folder = mkdtempSync(join(tmpdir(), "gateway-rules-"));
let unnoticed = 0;
try {
  await inPairs(chosen, async (mutation, slot) => {
    const test = await firstFailure(mutation, join(folder, `report-${slot}.json`)).catch((error) => {
      console.error(error.message);
    });
    if (test === undefined) unnoticed++;
    console.log(`${mutation.name}: ${test ?? "NO TEST NOTICES"}`);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${chosen.length} rules switched off, ${unnoticed} not noticed`);
if (unnoticed > 0 || chosen.length === 0) process.exitCode = 1;

/** The name of the first test that fails with the mutation; undefined when none does. */
function firstFailure(mutation, report) {
  rmSync(report, { force: true });
  const args = ["vitest", "run", "--config", "scripts/rules/vitest.config.js", "--reporter=json", `--outputFile=${report}`];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, GATEWAY_MUTATION: JSON.stringify(mutation) };
    execFile("npx", args, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (!existsSync(report)) return reject(new Error(`${mutation.name}: vitest did not run\n${stdout}${stderr}`));
      const results = JSON.parse(readFileSync(report, "utf8")).testResults;
      const broken = results.find((result) => result.status === "failed" && result.assertionResults.length === 0);
      if (broken !== undefined) return reject(new Error(`${mutation.name}: ${broken.message}`));
      const failed = results.flatMap((result) => result.assertionResults).find((test) => test.status === "failed");
      resolve(failed?.fullName ?? (error === null ? undefined : "an error outside the tests"));
    });
  });
}

/** Works through a list, two at a time. */
async function inPairs(items, work) {
  let next = 0;
  const worker = async (slot) => {
    while (next < items.length) await work(items[next++], slot);
  };
  await Promise.all([worker(0), worker(1)]);
}

/** A tenth, evenly spread; the seed says where it begins. */
function tenth(items) {
  const seed = Number(process.env.SEED ?? 1);
  console.log(`a tenth of ${items.length} rules, SEED=${seed}`);
  return items.filter((_, i) => i % 10 === seed % 10);
}
