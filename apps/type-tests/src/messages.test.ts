import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

/** An error, or what a fixture expects: the line, and the text or a part of it. */
interface Complaint {
  readonly line: number;
  readonly text: string;
}

function compile(project: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [compiler, "-p", project, "--pretty", "false"], {
    cwd: workspace,
    encoding: "utf8",
  });
  if (status === null || stderr !== "") throw new Error(`tsc did not run: ${stderr}`);
  return stdout;
}

/** The errors by file: `src/x.ts(3,14): error TS2322: …`, with the indented lines that explain it. */
function errorsByFile(output: string): Map<string, Complaint[]> {
  const errors = new Map<string, Complaint[]>();
  for (const block of output.split(/\n(?! )/).filter((block) => block !== "")) {
    const [, file, line, text] = /^(\S+)\((\d+),\d+\): error TS\d+: ([^]*)$/.exec(block) ?? [];
    if (file === undefined || text === undefined) throw new Error(`tsc said something else: ${block}`);
    errors.set(file, [...(errors.get(file) ?? []), { line: Number(line), text }]);
  }
  return errors;
}

/** `// error: text` behind the line that is wrong, or on a line of its own before it. */
function expectedErrors(source: string): Complaint[] {
  return source.split("\n").flatMap((line, index) => {
    const [, code, text] = /^(.*)\/\/ error: (.*)$/.exec(line) ?? [];
    return text === undefined ? [] : [{ line: code?.trim() === "" ? index + 2 : index + 1, text }];
  });
}

describe("a mistake", () => {
  const errors = errorsByFile(compile("tsconfig.wrong.json"));
  const fixtures = readdirSync(join(workspace, "src/wrong"));

  it.each(fixtures)("is shown where it was made: %s", (fixture) => {
    const file = `src/wrong/${fixture}`;
    const found = errors.get(file) ?? [];
    const expected = expectedErrors(readFileSync(join(workspace, file), "utf8"));

    expect(expected).not.toEqual([]);
    expect(found.map(({ line }) => line)).toEqual(expected.map(({ line }) => line));
    for (const [at, { text }] of expected.entries()) expect(found[at]?.text).toContain(text);
  });

  it("is shown nowhere else", () => {
    expect([...errors.keys()].toSorted()).toEqual(fixtures.map((fixture) => `src/wrong/${fixture}`).toSorted());
  });
});

describe("the types", () => {
  it.each(["tsconfig.json", "tsconfig.dom.json"])("keep their promises under %s", (project) => {
    expect(compile(project)).toBe("");
  });
});
