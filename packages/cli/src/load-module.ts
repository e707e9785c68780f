import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, extname, isAbsolute, join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { constants, Script } from "node:vm";
import { StartError } from "./start-error.ts";
import { enableTypeScript } from "./typescript.ts";

/** A module that was found: how the person named it, and its file, or the folder from which its name leads to it. */
export type LocatedModule = { readonly name: string } & ({ readonly path: string } | { readonly from: string });

const extensions = ["", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"];
const typeScript = new Set([".ts", ".mts", ".cts"]);

/** Failures to find or read an import, whose message says all: the stack would show the runtime's loader only. */
const loaderFailures: ReadonlySet<unknown> = new Set([
  "ERR_IMPORT_ATTRIBUTE_MISSING",
  "ERR_MODULE_NOT_FOUND",
  "ERR_PACKAGE_PATH_NOT_EXPORTED",
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_DIR_IMPORT",
  "MODULE_NOT_FOUND",
]);

/**
 * Finds the file of a module: a file URL, a path with or without its extension, or a package.
 *
 * @throws {StartError} when there is none.
 */
export function locateModule(name: string, directory: string): LocatedModule {
  const file = moduleFiles(name, directory).find(isFile);
  if (file !== undefined) return { name, path: file };
  const isPath = isAbsolute(name) || /^(file:|\.{1,2}(\/|$))/.test(name);
  if (isPath) throw new StartError(`there is no module ${name} (looked for ${pathOf(name, directory)})`);
  try {
    const path = createRequire(join(directory, "package.json")).resolve(name);
    return isAbsolute(path) ? { name, path } : { name, from: directory };
  } catch (error) {
    // It is there, but for `import` only, and `require.resolve` asks as `require`.
    if (codeOf(error) === "ERR_PACKAGE_PATH_NOT_EXPORTED") return { name, from: directory };
    throw new StartError(`there is no module ${name}: no file ${resolve(directory, name)}, and no package of that name`);
  }
}

/**
 * Where the file of a module may be; the first that is there is it.
 *
 * @throws {StartError} for a URL that is not that of a file.
 */
export function moduleFiles(name: string, directory: string): readonly string[] {
  const path = pathOf(name, directory);
  return extensions.map((extension) => path + extension);
}

/**
 * Imports a module. TypeScript works where the runtime or an installed tsx can read it.
 *
 * @throws {StartError} when it cannot be loaded: with what it threw as the cause, unless it is an import that is missing.
 */
export async function importModule(module: LocatedModule): Promise<Record<string, unknown>> {
  try {
    if ("from" in module) return await importFrom(module.from, module.name);
    if (typeScript.has(extname(module.path))) await enableTypeScript(module.name, module.path);
    return (await import(pathToFileURL(module.path).href)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof StartError) throw error;
    // The module itself was found, so it is one of its imports that is missing; who wants it stands in the message.
    if (loaderFailures.has(codeOf(error))) throw new StartError(`cannot load ${module.name}: ${messageOf(error)}`);
    const file = esModuleReadAsCommonJs(error);
    if (file !== undefined) {
      const name = "path" in module && module.path === file ? module.name : file;
      const other = `${basename(file, extname(file))}.mjs`;
      const ways = extname(file) === ".js" ? `npm pkg set type=module, or name it ${other}` : `name it ${other}`;
      throw new StartError(`cannot load ${name}: it has import or export, and is read as CommonJS: ${ways}`);
    }
    throw new StartError(`${module.name} failed while it was loaded`, { cause: error });
  }
}

/** What V8 says of the syntax of ES modules in a script. */
const esModuleSyntax =
  /^(?:Cannot use import statement outside a module|Cannot use 'import\.meta' outside a module|Unexpected token 'export')$/;

/** The file of the application whose syntax is that of an ES module while its name, or the nearest package.json, says CommonJS. */
function esModuleReadAsCommonJs(error: unknown): string | undefined {
  if (!(error instanceof SyntaxError) || !esModuleSyntax.test(error.message)) return undefined;
  const [, file] = /^(\/.+|[A-Za-z]:\\.+):[0-9]+\n/.exec(error.stack ?? "") ?? [];
  return file === undefined || file.includes(`${sep}node_modules${sep}`) ? undefined : file;
}

/** `import(name)` as a script in that folder would do it. */
async function importFrom(directory: string, name: string): Promise<Record<string, unknown>> {
  const script = new Script("(name) => import(name)", {
    filename: join(directory, "[gateway]"),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  const load = script.runInThisContext() as (name: string) => Promise<Record<string, unknown>>;
  return load(name);
}

function pathOf(name: string, directory: string): string {
  if (!name.startsWith("file:")) return resolve(directory, name);
  try {
    return fileURLToPath(name);
  } catch {
    throw new StartError(`${name} is not the URL of a file`);
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
    throw new StartError(`cannot read ${path}: ${messageOf(error)}`);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
