import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

const linesOf = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

describe("the onion of the README", () => {
  it.each(["../README.md", "../../../README.md"])("is that of app.ts, line by line: %s", async (file) => {
    const readme = await readFile(new URL(file, import.meta.url), "utf8");
    const source = linesOf(await readFile(new URL("./app.ts", import.meta.url), "utf8"));
    const block = linesOf(/^```ts\n(const around = [^]*?)^```$/m.exec(readme)?.[1] ?? "");
    const start = source.indexOf(block[0] ?? "nothing");
    expect(block).not.toEqual([]);
    expect(source.slice(start, start + block.length)).toEqual(block);
  });
});
