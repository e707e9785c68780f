import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

/**
 * Makes one module of a source file and all that it imports, for processes that a test starts: not every Node.js reads TypeScript, and `dist` may be older than
 * what is tested.
 *
 * @param file its path in `src`. @param folder where it is put.
 * @returns its URL.
 */
export function testModule(file: string, folder: string): string {
  const outfile = join(folder, `${file.replaceAll(/\W/g, "-")}.mjs`);
  buildSync({
    entryPoints: [fileURLToPath(new URL(`../${file}`, import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // What of the packages is CommonJS.
    banner: { js: 'import { createRequire as requireFrom } from "node:module";const require = requireFrom(import.meta.url);' },
  });
  return pathToFileURL(outfile).href;
}
