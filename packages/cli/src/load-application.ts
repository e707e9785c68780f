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
  return (await loadSite(target, directory)).application;
}

/** An application with what its module wants to be done around it. */
export interface Site {
  readonly application: ApplicationLike;
  /** The module's `startup`: before the first request. */
  readonly startup: Lifespan | undefined;
  /** The module's `drain`: as soon as it is known that this process will stop, while requests are still served. */
  readonly drain: Lifespan | undefined;
  /** The module's `shutdown`: after the last request. */
  readonly shutdown: Lifespan | undefined;
}

/** What a module exports as `startup`, `drain` or `shutdown`. */
export type Lifespan = () => unknown;

/**
 * Loads the application that `MODULE[:EXPORT]` or `MODULE:FACTORY()` names, and the exports `startup`, `drain` and `shutdown` of its module.
 *
 * @throws {StartError} as {@link loadApplication}.
 */
export async function loadSite(target: string, directory: string = process.cwd()): Promise<Site> {
  const { module, exportName, isFactory } = parseTarget(target);
  const exported = exportsOf(await importModule(locateModule(module, directory)));
  const names = exportName === undefined ? usualExports : [exportName];
  const found = names.filter((name) => Object.hasOwn(exported, name)).map((name) => ({ name, value: exported[name] }));

  const first = found[0];
  if (first === undefined) {
    const has = Object.keys(exported).toSorted();
    const wanted = exportName === undefined ? "application (default, app or application)" : `export ${JSON.stringify(exportName)}`;
    throw new StartError(`${module} has no ${wanted}: ${has.length === 0 ? "it exports nothing" : `it exports ${has.join(", ")}`}`);
  }
  const lifespan = {
    startup: lifespanOf(module, exported, "startup"),
    drain: lifespanOf(module, exported, "drain"),
    shutdown: lifespanOf(module, exported, "shutdown"),
  };
  if (isFactory === true) return { application: await make(module, first), ...lifespan };
  const application = found.map(({ value }) => value).find(isApplication);
  if (application !== undefined) return { application, ...lifespan };
  throw new StartError(`export ${JSON.stringify(first.name)} of ${module} cannot be served: ${complaint(first.value)}`);
}

/** What a factory makes. */
async function make(module: string, { name, value }: { name: string; value: unknown }): Promise<ApplicationLike> {
  if (typeof value !== "function") throw new StartError(`${name}() of ${module} cannot be called: it is no function`);
  let made: unknown;
  try {
    made = await (value as () => unknown)();
  } catch (error) {
    throw new StartError(`${name}() of ${module} failed`, { cause: error });
  }
  if (isApplication(made)) return made;
  throw new StartError(`what ${name}() of ${module} made cannot be served: ${complaint(made)}`);
}

function lifespanOf(module: string, exported: Record<string, unknown>, name: string): Lifespan | undefined {
  const value = Object.hasOwn(exported, name) ? exported[name] : undefined;
  if (value === undefined || typeof value === "function") return value as Lifespan | undefined;
  throw new StartError(`export ${JSON.stringify(name)} of ${module} is no function`);
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
