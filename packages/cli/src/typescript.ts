import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { StartError } from "./start-error.ts";

/**
 * Makes sure that a TypeScript module can be imported: by the runtime itself, or by tsx where that is installed.
 *
 * @throws {StartError} when neither can.
 */
export async function enableTypeScript(name: string, path: string): Promise<void> {
  if (readsTypeScript()) return;
  const tsx = findTsx(path);
  if (tsx === undefined) {
    throw new StartError(
      `${name} is TypeScript, which Node.js ${process.versions.node} cannot run: npm install --save-dev tsx, or compile it, or use Node.js 22.18 or newer`,
    );
  }
  // As `node --import tsx` does it. Its tsx/esm/api would do less, and for `require` it looks in the wrong folder (4.23).
  await import(pathToFileURL(tsx).href);
}

/** Bun and Deno always do; Node.js says so, from the version on that can. */
function readsTypeScript(): boolean {
  if ("bun" in process.versions || "deno" in process.versions) return true;
  const answer: unknown = Reflect.get(process.features, "typescript");
  return answer === "strip" || answer === "transform";
}

/** The application's own tsx first: it is the one its author chose. */
function findTsx(path: string): string | undefined {
  for (const from of [path, join(process.cwd(), "package.json"), import.meta.url]) {
    try {
      return createRequire(from).resolve("tsx");
    } catch {
      // Not there: the next place may have it.
    }
  }
  return undefined;
}
