import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

describe("the onion of the README", () => {
  it("is that of app.ts, line by line", async () => {
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const source = linesOf(await readFile(new URL("./app.ts", import.meta.url), "utf8"));
    const block = linesOf(/^```ts\n([^]*?)^```$/m.exec(readme)?.[1] ?? "");
    const start = source.indexOf(block[0] ?? "nothing");
    expect(source.slice(start, start + block.length)).toEqual(block);
  });
});
