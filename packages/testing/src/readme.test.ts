import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importExample } from "./readme.ts";

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
});
