import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { limitNames, settingsOf } from "./options.ts";
import { RunProgram } from "./test-front.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const names = (part: string): string[] =>
  [...part.matchAll(/^\| (`\w+`(?:, `\w+`)*) +\|/gm)].flatMap(([, cell = ""]) => cell.replaceAll("`", "").split(", "));
const [ofAll = "", ofSimple = ""] = readme.split("## `new SimpleHandler");

describe("the README", () => {
  it("has an example that runs", async () => {
    const [, source = ""] = /^```js\n([^]*?)^```$/m.exec(readme) ?? [];
    const program = new RunProgram({ source, variables: ["REQUEST_METHOD", "GET", "PATH_INFO", "/world"] });
    const { status, body } = await program.response;
    expect([status, await text(body), await program.exited]).toEqual(["200 OK", "Hello from /world\n", 0]);
  });

  it("tells every option, and the defaults of the limits", async () => {
    expect(names(ofAll).toSorted()).toEqual(limitNames.toSorted());
    const { maxBodyBytes, maxReadBytes } = settingsOf("CGIHandler", {}, limitNames);
    expect(ofAll).toMatch(new RegExp(`^\\| \`maxBodyBytes\` +\\| \`${maxBodyBytes}\` `, "m"));
    expect(ofAll).toMatch(new RegExp(`^\\| \`maxReadBytes\` +\\| ${maxReadBytes} `, "m"));
    const source = await readFile(new URL("handlers.ts", import.meta.url), "utf8");
    const [, declared = ""] = /^export interface SimpleHandlerOptions [^]*?\{([^]*?)^\}/m.exec(source) ?? [];
    const options = [...declared.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name = ""]) => name);
    expect(options.length).toBeGreaterThan(5);
    expect(names(ofSimple).toSorted()).toEqual(options.toSorted());
  });
});
