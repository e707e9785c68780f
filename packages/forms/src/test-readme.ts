import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** Runs the first application in TypeScript of a README, this package being its sources, and gives its default export. */
export async function importExample(readme: URL, name: string, index: URL): Promise<unknown> {
  const [, code] = /^```ts\n([^]*?export default [^]*?)^```$/m.exec(await readFile(readme, "utf8")) ?? [];
  if (code === undefined) throw new Error("the README has no example with a default export");
  const folder = await mkdtemp(join(tmpdir(), "gateway-readme-"));
  try {
    const file = join(folder, "example.ts");
    const linked = code.replaceAll(
      /from "([^"]+)"/g,
      (_, from: string) => `from ${JSON.stringify(from === name ? index.href : import.meta.resolve(from))}`,
    );
    await writeFile(file, linked);
    const module = (await import(pathToFileURL(file).href)) as { default: unknown };
    return module.default;
  } finally {
    await rm(folder, { recursive: true });
  }
}

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
