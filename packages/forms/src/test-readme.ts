import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Runs the block of a README that begins with those words as the body of an asynchronous function. */
export async function runSnippet(readme: URL, beginning: string, given: Readonly<Record<string, unknown>>): Promise<void> {
  const code = (await readFile(readme, "utf8")).split(/^```(?:ts)?\n/m).find((block) => block.startsWith(beginning));
  if (code === undefined) throw new Error(`the README has no block that begins with ${beginning}`);
  const folder = await mkdtemp(join(tmpdir(), "gateway-readme-"));
  try {
    const file = join(folder, "snippet.ts");
    const names = Object.keys(given).join(", ");
    await writeFile(file, `export default async ({ ${names} }) => {\n${code}\n};\n`);
    const module = (await import(pathToFileURL(file).href)) as { default: (values: object) => Promise<void> };
    await module.default(given);
  } finally {
    await rm(folder, { recursive: true });
  }
}
