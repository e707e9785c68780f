import { toApplication, type ApplicationLike } from "@gateway/core";
import { importModule, locateModule } from "./load-module.ts";
import { StartError } from "./start-error.ts";
import { parseTarget } from "./target.ts";

/** Exports that are tried, in this order, when none is named. */
const usualExports = ["default", "app", "application"];

/**
 * Loads the application that `MODULE[:EXPORT]` names, as the `gateway` command does.
 *
 * @param target the module: a path with or without its extension, a package name, or a file URL; and its export (default: the
 *   first application among `default`, `app` and `application`).
 * @param directory where relative paths begin and packages are looked for (default: the working directory).
 * @throws {StartError} with one line that says what is missing or wrong; its cause is what the module threw.
 */
export async function loadApplication(target: string, directory: string = process.cwd()): Promise<ApplicationLike> {
  const { module, exportName } = parseTarget(target);
  const exported = exportsOf(await importModule(locateModule(module, directory)));
  const names = exportName === undefined ? usualExports : [exportName];
  const found = names.filter((name) => Object.hasOwn(exported, name)).map((name) => ({ name, value: exported[name] }));

  const first = found[0];
  if (first === undefined) {
    const has = Object.keys(exported).toSorted();
    const wanted = exportName === undefined ? "application (default, app or application)" : `export ${JSON.stringify(exportName)}`;
    throw new StartError(`${module} has no ${wanted}: ${has.length === 0 ? "it exports nothing" : `it exports ${has.join(", ")}`}`);
  }
  const application = found.map(({ value }) => value).find(isApplication);
  if (application !== undefined) return application;
  throw new StartError(`export ${JSON.stringify(first.name)} of ${module} cannot be served: ${complaint(first.value)}`);
}

/** The exports by name. A CommonJS module that was compiled from ESM keeps them inside its default export. */
function exportsOf(namespace: Record<string, unknown>): Record<string, unknown> {
  const inner = namespace["default"];
  const isCompiled = typeof inner === "object" && inner !== null && "__esModule" in inner && inner.__esModule === true;
  const all = Object.entries(isCompiled ? inner : namespace);
  return Object.fromEntries(all.filter(([name]) => name !== "__esModule" && name !== "module.exports"));
}

function isApplication(value: unknown): value is ApplicationLike {
  return complaint(value) === undefined;
}

/** What keeps a value from being an application: what core says of it. */
function complaint(value: unknown): string | undefined {
  try {
    toApplication(value as ApplicationLike);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
