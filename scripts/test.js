// The tests of all workspaces, and their counts in one line. What was left out for want of a program is named; in CI that is a failure.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { workspaces } from "./workspaces.js";

const tested = workspaces().filter(({ manifest }) => manifest.scripts?.test !== undefined);
for (const { folder } of tested) rmSync(join(folder, "test-report.json"), { force: true });

const words = process.argv.slice(2);
const isLong = words.includes("--long");
const args = ["turbo", "run", "test", "--continue", "--concurrency=3", ...words.filter((word) => word !== "--long")];
// The great counts (mutations, aborts, slow clients) in full; otherwise a seeded tenth of them.
const env = isLong ? { ...process.env, GATEWAY_LONG: "1" } : process.env;
const { status } = spawnSync("npx", args, { stdio: "inherit", env });

let passed = 0;
let failed = 0;
const leftOut = [];
const failures = [];
for (const { folder, manifest } of tested) {
  const file = join(folder, "test-report.json");
  if (!existsSync(file)) {
    console.log(`${manifest.name}: its tests did not run`);
    failed++;
    continue;
  }
  const report = JSON.parse(readFileSync(file, "utf8"));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  // A file that could not be loaded has no tests to count.
  failed += report.testResults.filter((result) => result.status === "failed" && result.assertionResults.length === 0).length;
  const tests = report.testResults.flatMap((result) => result.assertionResults);
  failures.push(...tests.filter((test) => test.status === "failed").map((test) => `${manifest.name}: ${test.fullName}`));
  const skipped = tests.filter((test) => test.status !== "passed" && test.status !== "failed");
  leftOut.push(...skipped.map((test) => `${manifest.name}: ${test.fullName}`));
}

if (leftOut.length > 0) {
  console.log(`\nleft out, because a program or a feature of the runtime is missing (${leftOut.length}):`);
  for (const test of leftOut) console.log(`  ${test}`);
}
if (failures.length > 0) {
  console.log(`\nfailed (${failures.length}):`);
  for (const test of failures) console.log(`  ${test}`);
}
const bad = status !== 0 || failed > 0 || passed === 0 || (process.env.CI === "true" && leftOut.length > 0);
process.exitCode = bad ? 1 : 0;
console.log(`\n${passed} passed, ${failed} failed`);
