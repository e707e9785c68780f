import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Imports the first TypeScript example of a README that has a default export, so that a test can run what readers copy. It is written to a folder
 * beside the README for that moment: so its imports find what the package's own find. The runtime or the test runner must be able to
 * import TypeScript.
 *
 * @param readme where the README is.
 * @param replaced where some imports come from instead: `{ "@example/layer": new URL("./index.ts", import.meta.url) }`.
 * @returns the default export.
 * @throws {Error} if there is no such example.
 */
export async function importExample(readme: URL, replaced: Readonly<Record<string, URL>> = {}): Promise<unknown> {
  const blocks = (await readFile(readme, "utf8")).matchAll(/^```ts\n([^]*?)^```$/gm);
  const code = Array.from(blocks, ([, block = ""]) => block).find((block) => /^export default /m.test(block));
  if (code === undefined) throw new Error(`${readme.href} has no example in TypeScript with a default export`);
  const folder = await mkdtemp(join(dirname(fileURLToPath(readme)), ".example-"));
  try {
    const file = join(folder, "example.ts");
    await writeFile(
      file,
      code.replaceAll(/from "([^"]+)"/g, (_, from: string) => `from ${JSON.stringify(replaced[from]?.href ?? from)}`),
    );
    const module = (await import(pathToFileURL(file).href)) as { default: unknown };
    return module.default;
  } finally {
    await rm(folder, { recursive: true });
  }
}
