import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importExample, importServer, wrongOptions } from "./readme.ts";

describe("importExample", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gateway-readme-test-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function written(text: string): Promise<URL> {
    const file = join(folder, "README.md");
    await writeFile(file, text);
    return pathToFileURL(file);
  }

  it("gives the default export of the first example that has one, with its imports replaced", async () => {
    const readme = await written(
      'Text\n\n```ts\nconst unused: number = 1;\n```\n\n```ts\nimport { statusLine } from "here";\nimport { sep } from "node:path";\n\nexport default [statusLine(404), sep] as string[];\n```\n',
    );
    const here = new URL("../../core/src/index.ts", import.meta.url);
    expect(await importExample(readme, { here })).toEqual(["404 Not Found", expect.any(String)]);
  });

  it("says where there is none", async () => {
    await expect(importExample(await written("```js\nexport default 1;\n```\n"))).rejects.toThrow("README.md has no example");
  });

  it("puts other texts into it, and says which are not there", async () => {
    const readme = await written('```ts\nexport default "http://127.0.0.1:8000/$&" as string;\n```\n');
    expect(await importExample(readme, {}, { "127.0.0.1:8000": "here$1" })).toBe("http://here$1/$&");
    await expect(importExample(readme, {}, { there: "here" })).rejects.toThrow('does not have "there"');
  });

  it("gives the server of an example, on any port", async () => {
    const readme = await written('```ts\nconst server = ["127.0.0.1", 9000, 1];\nawait server.serveForever();\n```\n');
    expect(await importServer(readme)).toEqual(["127.0.0.1", 0, 1]);
    await expect(importServer(await written("```ts\nexport default 1;\n```\n"))).rejects.toThrow("has no example");
  });
});

describe("wrongOptions", () => {
  const table = '| option | default |\n| `one` | 10 s |\n| `two` | `true` | x |\n| `three` | `"a"` |\n| `four` | whatever |\n';

  it("finds nothing where all is told as it is", () => {
    expect(wrongOptions(table, { one: 10, two: true, three: "a", four: undefined })).toEqual([]);
  });

  it("finds other defaults, options without a row, and rows without an option", () => {
    expect(wrongOptions(table, { one: 11, two: false, three: "b", five: {} })).toEqual([
      "there is no option four",
      "the default of one is 11, not 10",
      "the default of two is false, not true",
      'the default of three is "b", not "a"',
      "five is not in the table",
    ]);
  });
});
