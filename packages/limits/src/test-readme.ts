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
