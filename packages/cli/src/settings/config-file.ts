import { basename, dirname, join, resolve } from "node:path";
import { StartError } from "../start-error.ts";
import type { ConfigContext } from "./define-config.ts";
import type { Host } from "./host.ts";
import { nearest } from "./nearest.ts";
import { renamed } from "./renamed.ts";
import { table } from "./table.ts";

/** The names of config files that are looked for. */
const configNames: readonly string[] = [".ts", ".mts", ".js", ".mjs", ".json"].map((extension) => `gateway.config${extension}`);

/** What a config file said, not yet read. */
export interface ConfigFile {
  readonly path: string;
  /** How it is called in messages. */
  readonly name: string;
  /** Where its relative paths begin. */
  readonly directory: string;
  readonly values: ReadonlyMap<string, unknown>;
}

/**
 * Finds the config file.
 *
 * @param named what `--config` or `GATEWAY_CONFIG` says, and which of them; `undefined`: it is looked for.
 * @throws {StartError} when the one that was named is not there, or there are two.
 */
export function findConfigFile(
  named: { readonly path: string; readonly by: string } | undefined,
  directory: string,
  host: Host,
): string | undefined {
  if (named !== undefined) {
    const path = resolve(directory, named.path);
    if (!host.isFile(path))
      throw new StartError(`${named.by} is ${JSON.stringify(named.path)}, and there is no such file (looked for ${path})`);
    return path;
  }
  const found = configNames.filter((name) => host.isFile(join(directory, name)));
  if (found.length > 1) throw new StartError(`there are ${found.join(" and ")}: remove all but one, or name one with --config`);
  return found[0] === undefined ? undefined : join(directory, found[0]);
}

/**
 * Reads a config file: what it exports, or what the function gives that it exports.
 *
 * @throws {StartError} when it cannot be loaded, or is no object of settings that exist.
 */
export async function readConfigFile(path: string, context: ConfigContext, host: Host): Promise<ConfigFile> {
  const name = resolve(context.directory, basename(path)) === path ? basename(path) : path;
  const exported = path.endsWith(".json") ? parseJson(path, name, host) : defaultOf(await host.load(path));
  const settings = typeof exported === "function" ? await called(exported, context, name) : exported;
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    const way = path.endsWith(".json") ? "write { … }" : "write export default { … }, or a function that gives one";
    throw new StartError(`${name} has no object of settings: ${way}`);
  }
  return {
    path,
    name,
    directory: dirname(path),
    values: new Map(Object.entries(settings).filter(([, value]) => value !== undefined)),
  };
}

/** @throws {StartError} for a key that is no setting. */
export function checkKeys({ name, values }: ConfigFile): void {
  for (const key of values.keys()) {
    if (table.has(key) || key === "$schema") continue;
    const meant = nearest(key, table.keys());
    const advice = renamed.get(key.replaceAll(/[A-Z_]/g, (letter) => (letter === "_" ? "-" : `-${letter.toLowerCase()}`)));
    const hint = advice ?? (meant === undefined ? "" : `did you mean ${meant}?`);
    throw new StartError(
      `there is no setting ${JSON.stringify(key)}, which ${name} has${hint === "" ? "" : `: ${hint}`} (see gateway --help)`,
    );
  }
}

function parseJson(path: string, name: string, host: Host): unknown {
  const text = readText(path, name, host);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new StartError(`${name} is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readText(path: string, name: string, host: Host): string {
  try {
    return host.readText(path);
  } catch (error) {
    throw new StartError(`cannot read ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The default export. A CommonJS module that was compiled from ESM keeps it inside its own. */
function defaultOf(namespace: Readonly<Record<string, unknown>>): unknown {
  const outer = namespace["default"];
  const isCompiled = typeof outer === "object" && outer !== null && "__esModule" in outer && "default" in outer;
  return isCompiled ? outer.default : outer;
}

async function called(make: Function, context: ConfigContext, name: string): Promise<unknown> {
  try {
    return (await Reflect.apply(make, undefined, [context])) as unknown;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`the function that ${name} exports failed`, { cause: error });
  }
}
