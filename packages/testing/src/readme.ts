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
 * @param texts what stands in the place of others, such as an address that exists in the test only.
 * @returns the default export.
 * @throws {Error} if there is no such example, or one of the texts is not in it.
 */
export async function importExample(
  readme: URL,
  replaced: Readonly<Record<string, URL>> = {},
  texts: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  let code = (await examplesOf(readme)).find((block) => /^export default /m.test(block));
  if (code === undefined) throw new Error(`${readme.href} has no example in TypeScript with a default export`);
  for (const [text, other] of Object.entries(texts)) {
    if (!code.includes(text)) throw new Error(`the example of ${readme.href} does not have ${JSON.stringify(text)}`);
    code = code.replaceAll(text, () => other);
  }
  return imported(readme, code, replaced);
}

/**
 * Imports the first TypeScript example of a README that ends with `await server.serveForever();`, but for that line, and with any free port in
 * the place of the one that it names.
 *
 * @param readme where the README is.
 * @param replaced where some imports come from instead.
 * @returns the server, which does not serve yet.
 * @throws {Error} if there is no such example.
 */
export async function importServer(readme: URL, replaced: Readonly<Record<string, URL>> = {}): Promise<unknown> {
  const last = "await server.serveForever();\n";
  const code = (await examplesOf(readme)).find((block) => block.endsWith(last));
  if (code === undefined) throw new Error(`${readme.href} has no example in TypeScript that ends with a server`);
  const anyPort = code.slice(0, -last.length).replace(/, [0-9]{4,5},/, ", 0,");
  return imported(readme, `${anyPort}export default server;\n`, replaced);
}

/**
 * What is wrong with the table of options in a README: rows for options that there are not, options without a row, and defaults that are others.
 * A row begins with the name in backticks; the second cell begins with the default, where that is a number, a switch or a text.
 *
 * @param readme the text, or the part of it with the table.
 * @param defaults all options with their defaults.
 * @returns one line for each fault; none where there is none.
 */
export function wrongOptions(readme: string, defaults: object): string[] {
  const rows = new Map(Array.from(readme.matchAll(/^\| `(\w+)` +\| `?([^ `|]+)/gm), ([, name = "", value = ""]) => [name, value]));
  const known = new Map<string, unknown>(Object.entries(defaults));
  const wrong = Array.from(rows.keys()).flatMap((name) => (known.has(name) ? [] : [`there is no option ${name}`]));
  for (const [name, value] of known) {
    const told = rows.get(name);
    const expected = typeof value === "string" ? JSON.stringify(value) : String(value);
    if (told === undefined) wrong.push(`${name} is not in the table`);
    else if (["string", "number", "boolean"].includes(typeof value) && told !== expected)
      wrong.push(`the default of ${name} is ${expected}, not ${told}`);
  }
  return wrong;
}

async function examplesOf(readme: URL): Promise<string[]> {
  return Array.from((await readFile(readme, "utf8")).matchAll(/^```ts\n([^]*?)^```$/gm), ([, block = ""]) => block);
}

/** The default export of a module that is written beside the README. */
async function imported(readme: URL, code: string, replaced: Readonly<Record<string, URL>>): Promise<unknown> {
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
