import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, extname } from "node:path";
import { pathToFileURL } from "node:url";
import { StartError } from "../start-error.ts";
import { enableTypeScript } from "../typescript.ts";

/**
 * Imports a config file as it is now: a reload reads it anew when it was changed, though not what it imports.
 *
 * @throws {StartError} when it cannot be loaded: with what it threw as the cause, unless an import of it is missing.
 */
export async function loadConfigModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    if ([".ts", ".mts"].includes(extname(path))) await enableTypeScript(basename(path), path);
    // Two caches: that of imports goes by the URL, that of CommonJS modules by the path.
    delete createRequire(path).cache[path];
    const url = pathToFileURL(path);
    url.searchParams.set("changed", String(statSync(path).mtimeMs));
    return (await import(url.href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof StartError) throw error;
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (error instanceof Error && (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND")) {
      throw new StartError(`cannot load ${path}: ${error.message}`);
    }
    throw new StartError(`${path} failed while it was loaded`, { cause: error });
  }
}
