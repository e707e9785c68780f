import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spawn } from "node:child_process";
import { Fixtures } from "../testing/command.ts";
import { testModule } from "../testing/test-module.ts";
import { describeFailure, failureError, type Failure } from "./failure.ts";

let fixtures: Fixtures;
let module: string;
beforeAll(async () => {
  fixtures = await Fixtures.make({
    "app.mjs": 'import "./bad.mjs";\n',
    "good.mjs": "export {};",
    "bad.mjs": "const fine = 1;\n\nconst two = (3;\n",
    "half.mjs": "const f = (p => {\n  p\n",
    "bad.cjs": "\nfunction {\n",
    "throws.mjs": '\n\nthrow new Error("no database");\n',
    "bad.ts": "const a: number = 1;\nconst b = ;\n",
  });
  module = testModule("reload/failure.ts", fixtures.directory);
});
afterAll(() => fixtures[Symbol.asyncDispose]());

/** What the runtime's own loader throws, described: vitest has a loader of its own. */
async function failureOf(file: string, ...imported: string[]): Promise<Failure> {
  const paths = imported.map((name) => `${fixtures.directory}/${name}`);
  const code = `import { describeFailure } from ${JSON.stringify(module)};
    const error = await import(${JSON.stringify(pathToFileURL(`${fixtures.directory}/${file}`).href)}).catch((error) => error);
    console.log(JSON.stringify(describeFailure(error, ${JSON.stringify(paths)})));`;
  const child = spawn(process.env["GATEWAY_TEST_NODE"] ?? process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout) output += String(chunk);
  return JSON.parse(output) as Failure;
}

describe("describeFailure", () => {
  it("finds the line of an ES module that cannot be read", async () => {
    const failure = await failureOf("app.mjs", "app.mjs", "good.mjs", "bad.mjs");
    expect(failure).toMatchObject({ name: "SyntaxError" });
    expect(failure.stack.split("\n")[1]).toBe(`    at ${fixtures.directory}/bad.mjs:3:15`);
  });

  it("finds the end of an ES module that is not whole", async () => {
    const failure = await failureOf("half.mjs", "good.mjs", "half.mjs");
    expect(failure.stack.split("\n")[1]).toBe(`    at ${fixtures.directory}/half.mjs:3:1`);
  });

  it("finds the line of CommonJS that cannot be read", async () => {
    const failure = await failureOf("bad.cjs", "bad.cjs");
    expect(failure.stack).toContain(`    at ${fixtures.directory}/bad.cjs:2:`);
  });

  it("leaves a stack alone that leads somewhere", async () => {
    const failure = await failureOf("throws.mjs", "bad.mjs");
    expect(failure).toMatchObject({ name: "Error", message: "no database" });
    expect(failure.stack).toMatch(/^Error: no database\n {4}at file:\/\/\/.*throws\.mjs:3:7\n/);
  });

  it("takes the place that a compiler says", () => {
    const error = new Error(`Transform failed with 1 error:\n${fixtures.directory}/bad.ts:2:10: ERROR: Unexpected ";"`);
    error.stack = `Error: ${error.message}\n    at failureErrorWithLog (/x/node_modules/esbuild/lib/main.js:1:1)`;
    expect(describeFailure(error, []).stack).toContain(`\n    at ${fixtures.directory}/bad.ts:2:10\n    at failureErrorWithLog`);
  });

  it("survives what is no error, causes without end, and nothing to find", () => {
    expect(describeFailure("text", [])).toEqual({ name: "Error", message: "thrown: text", stack: "Error: thrown: text" });
    expect(describeFailure(undefined, []).message).toBe("thrown: undefined");
    const error = new Error("round");
    error.cause = error;
    expect(JSON.stringify(describeFailure(error, [])).match(/"round"/g)).toHaveLength(6);
    const unknown = new SyntaxError("somewhere");
    unknown.stack = "SyntaxError: somewhere";
    expect(
      describeFailure(unknown, [`${fixtures.directory}/good.mjs`, "/no/such/file.js", `${fixtures.directory}/x.json`]).stack,
    ).toBe("SyntaxError: somewhere");
  });

  it("carries no property that may hold a secret", () => {
    const failure = describeFailure(Object.assign(new TypeError("x"), { config: { password: "hunter2" }, token: "hunter2" }), []);
    expect(Object.keys(failure)).toEqual(["name", "message", "stack"]);
    expect(JSON.stringify(failure)).not.toContain('hunter2"');
  });
});

describe("failureError", () => {
  it("makes the same error again", () => {
    const failure = describeFailure(new RangeError("outer", { cause: new Error("inner") }), []);
    expect(describeFailure(failureError(JSON.parse(JSON.stringify(failure)) as Failure), [])).toEqual(failure);
  });
});
