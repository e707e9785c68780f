import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spawn } from "node:child_process";
import { Fixtures } from "../testing/command.ts";
import { testModule } from "../testing/test-module.ts";
import { describeFailure, failureError, failureText, type Failure } from "./failure.ts";

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
    "link.mjs": 'import { nothing } from "./good.mjs";\n',
    "tabs.mjs": '\n\t\t"\u00fc\u001b[31m" = 1;\n',
    "late.mjs": 'await import("./bad.mjs").catch((cause) => { throw new Error("late", { cause }); });\n',
    "long.mjs": `"${"x".repeat(1000)}" = 1;\n`,
    "json.mjs": 'JSON.parse("{");\n',
    "bad.ts": "const a: number = 1;\nconst b = ;\n",
  });
  module = testModule("reload/failure.ts", fixtures.directory);
});
afterAll(() => fixtures[Symbol.asyncDispose]());

/** What `expression` gives, as JSON, of the `error` that the runtime's own loader throws: vitest has a loader of its own. */
async function ofError(file: string, expression: string): Promise<unknown> {
  const code = `import { describeFailure, failureText } from ${JSON.stringify(module)};
    const error = await import(${JSON.stringify(pathToFileURL(`${fixtures.directory}/${file}`).href)}).catch((error) => error);
    console.log(JSON.stringify(${expression}));`;
  const child = spawn(process.env["GATEWAY_TEST_NODE"] ?? process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  for await (const chunk of child.stdout) output += String(chunk);
  return JSON.parse(output);
}

const failureOf = async (file: string): Promise<Failure> => (await ofError(file, "describeFailure(error)")) as Failure;

describe("describeFailure", () => {
  it("finds the line of an ES module that cannot be read", async () => {
    const failure = await failureOf("app.mjs");
    expect(failure).toMatchObject({ name: "SyntaxError" });
    expect(failure.stack.split("\n")[1]).toBe(`    at ${fixtures.directory}/bad.mjs:3:15`);
  });

  it("finds the end of an ES module that is not whole", async () => {
    const failure = await failureOf("half.mjs");
    expect(failure.stack.split("\n")[1]).toBe(`    at ${fixtures.directory}/half.mjs:3:1`);
  });

  it("finds the line of CommonJS that cannot be read", async () => {
    const failure = await failureOf("bad.cjs");
    expect(failure.stack.split("\n")[1]).toBe(`    at ${fixtures.directory}/bad.cjs:2:10`);
  });

  it("leaves a stack alone that leads somewhere", async () => {
    const failure = await failureOf("throws.mjs");
    expect(failure).toMatchObject({ name: "Error", message: "no database" });
    expect(failure.stack).toMatch(/^Error: no database\n {4}at file:\/\/\/.*throws\.mjs:3:7\n/);
  });

  it("takes the place that a compiler says", () => {
    const error = new Error(`Transform failed with 1 error:\n${fixtures.directory}/bad.ts:2:10: ERROR: Unexpected ";"`);
    error.stack = `Error: ${error.message}\n    at failureErrorWithLog (/x/node_modules/esbuild/lib/main.js:1:1)`;
    expect(describeFailure(error).stack).toContain(`\n    at ${fixtures.directory}/bad.ts:2:10\n    at failureErrorWithLog`);
  });

  it("survives what is no error, causes without end, and nothing to find", () => {
    expect(describeFailure("text")).toEqual({ name: "Error", message: "thrown: text", stack: "Error: thrown: text" });
    expect(describeFailure(undefined).message).toBe("thrown: undefined");
    const error = new Error("round");
    error.cause = error;
    expect(JSON.stringify(describeFailure(error)).match(/"round"/g)).toHaveLength(6);
    const unknown = new SyntaxError("somewhere");
    unknown.stack = "SyntaxError: somewhere";
    expect(describeFailure(unknown).stack).toBe("SyntaxError: somewhere");
  });

  it("survives what cannot be shown", () => {
    const bitter = Object.defineProperty(new Error("x"), "cause", {
      get() {
        throw new Error("no");
      },
    });
    const circle: unknown[] = [];
    circle.push(circle);
    for (const thrown of [1n, circle, bitter]) {
      expect(describeFailure(thrown).message).toBe("thrown: a value that cannot be shown");
      expect(failureText(thrown)).toBe("thrown: a value that cannot be shown\n");
    }
  });

  it("carries no property that may hold a secret", () => {
    const failure = describeFailure(Object.assign(new TypeError("x"), { config: { password: "hunter2" }, token: "hunter2" }));
    expect(Object.keys(failure)).toEqual(["name", "message", "stack"]);
    expect(JSON.stringify(failure)).not.toContain('hunter2"');
  });
});

describe("failureText", () => {
  it.each([
    ["app.mjs", "bad.mjs:3\nconst two = (3;\n              ^\nSyntaxError: Unexpected token ';'\n        at "],
    ["half.mjs", "half.mjs:3\n\nSyntaxError: Unexpected end of input\n        at "],
    ["bad.cjs", "bad.cjs:2\n    function {\n             ^\n    \n    SyntaxError: Unexpected token '{'\n        at "],
    [
      "link.mjs",
      'link.mjs:1\n    import { nothing } from "./good.mjs";\n             ^^^^^^^\n    SyntaxError: The requested module ',
    ],
    ["tabs.mjs", 'tabs.mjs:2\n    "\\xfc\\x1b[31m" = 1;\n    ^^^^^^^^\nSyntaxError: Invalid left-hand side in assignment'],
    ["late.mjs", "bad.mjs:3\nconst two = (3;\n              ^\nError: late\n"],
  ])("shows the line of %s that cannot be read, as the runtime does", async (file, shown) => {
    const text = (await ofError(file, "failureText(error)")) as string;
    expect(text.replace(/^.*?([^/]+:\d+\n)/, "$1").slice(0, shown.length)).toBe(shown);
    expect(text.split("\n")[0]).toMatch(new RegExp(`^(?:file://)?${fixtures.directory}/`));
  });

  it("shows it also after the error was described", async () => {
    const both = (await ofError("app.mjs", "[describeFailure(error).stack, failureText(error)]")) as [string, string];
    expect(both[0]).toContain("bad.mjs:3:15\n");
    expect(both[1]).toContain("bad.mjs:3\nconst two = (3;\n");
  });

  it("shows the place only where the line is that of a program", async () => {
    expect(await ofError("long.mjs", "failureText(error)")).toMatch(/long\.mjs:1\nSyntaxError: /);
  });

  it("has the stack and the causes of any other error", async () => {
    expect(await ofError("throws.mjs", "failureText(error)")).toMatch(/^Error: no database\n {8}at .*throws\.mjs:3:7\n/);
    expect(await ofError("json.mjs", "failureText(error)")).toMatch(/^SyntaxError: .*JSON.*\n {8}at JSON\.parse /);
  });
});

describe("failureError", () => {
  it("makes the same error again", () => {
    const failure = describeFailure(new RangeError("outer", { cause: new Error("inner") }));
    expect(describeFailure(failureError(JSON.parse(JSON.stringify(failure)) as Failure))).toEqual(failure);
  });
});
