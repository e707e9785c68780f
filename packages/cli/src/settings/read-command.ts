import { StartError } from "../start-error.ts";
import { findConfigFile, readConfigFile, type ConfigFile } from "./config-file.ts";
import { readFlags, type Flags } from "./flags.ts";
import { thisHost, type Host } from "./host.ts";
import { resolveOne, resolveSettings } from "./resolve-settings.ts";
import type { Settings } from "./settings.ts";
import { sourceText, type Sources } from "./source.ts";
import { checkVariables } from "./stray-variables.ts";
import type { Environment } from "./setting.ts";

/** What the command shall do. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | ({ readonly kind: "serve" | "check" | "print" | "explain" } & ResolvedSettings)
  /** `gateway ctl …`. */
  | {
      readonly kind: "ctl";
      /** What follows `ctl`, without `--control-socket` and `--config`. */
      readonly args: readonly string[];
      /** Where the running command listens for it; `undefined` where it is the one of this folder. */
      readonly controlSocket: string | undefined;
    };

/** The settings, and how they came about. */
export interface ResolvedSettings {
  readonly settings: Settings;
  /** By the key of the setting in the config file. */
  readonly sources: Sources;
  /** The config file that was read; `undefined` where there is none. */
  readonly file: string | undefined;
}

/** What is said in place of serving. */
const reports = [
  ["check-config", "check"],
  ["print-config", "print"],
  ["explain", "explain"],
] as const;

/**
 * Reads the command line, the environment and the config file.
 *
 * @param args without the names of node and the script.
 * @param directory the working directory.
 * @param host what is looked up elsewhere (default: this machine).
 * @throws {StartError} for what makes no sense, in one line that says where it came from and what to write instead.
 */
export async function readCommand(
  args: readonly string[],
  environment: Environment,
  directory: string,
  host: Host = thisHost,
): Promise<Command> {
  if (args[0] === "ctl") return readControl(args.slice(1), environment, directory, host);
  const flags = readFlags(args);
  if (flags.actions.has("help")) return { kind: "help" };
  if (flags.actions.has("version")) return { kind: "version" };

  const [first, ...others] = reports.filter(([name]) => flags.actions.has(name));
  if (first !== undefined && others[0] !== undefined)
    throw new StartError(`--${first[0]} and --${others[0][0]} are two commands: give one of them`);
  const kind = first?.[1] ?? "serve";
  if (flags.words.length > 1) {
    throw new StartError(`one application is served, ${JSON.stringify(flags.words[1])} is too much (see gateway --help)`);
  }
  checkVariables(environment);
  const file = await readFile(flags, environment, directory, host);
  const { settings, sources } = resolveSettings({ flags, environment, file, directory, host });
  if (settings.target === "" && (kind === "serve" || kind === "check")) {
    throw new StartError("no application is named: gateway MODULE[:EXPORT] (see gateway --help)");
  }
  if (settings.accessLog !== undefined || kind === "check") await checkAccessLogFormat(settings, sources);
  return { kind, settings, sources, file: file?.path };
}

/** The package that knows the formats is loaded where there is a log. @throws {StartError} for a format that is none. */
async function checkAccessLogFormat({ accessLogFormat: format }: Settings, sources: Sources): Promise<void> {
  const { accessLog } = await import("@gateway/logging");
  try {
    accessLog({ format, destination: { write() {} } });
  } catch (error) {
    const origin = sourceText(sources["accessLogFormat"] ?? { kind: "default" });
    throw new StartError(`${origin} is ${JSON.stringify(format)}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function readFile(flags: Flags, environment: Environment, directory: string, host: Host): Promise<ConfigFile | undefined> {
  const flag = flags.actions.get("config");
  if (flag?.texts[0] === "none") return undefined;
  const variable = environment["GATEWAY_CONFIG"] ?? "";
  const named = flag
    ? { path: flag.texts[0] ?? "", by: flag.rawName }
    : variable === ""
      ? undefined
      : { path: variable, by: "GATEWAY_CONFIG in the environment" };
  const path = findConfigFile(named, directory, host);
  return path === undefined ? undefined : readConfigFile(path, { environment, directory }, host);
}

/** The flags of `gateway ctl` that tell where the socket is. */
const controlFlags = new Set(["--control-socket", "--config", "-c"]);

/** Only what leads to the socket is read: a wrong setting must not keep anybody from stopping the site. */
async function readControl(args: readonly string[], environment: Environment, directory: string, host: Host): Promise<Command> {
  const [ours, theirs]: [string[], string[]] = [[], []];
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? "";
    if (controlFlags.has(word)) ours.push(word, ...args.slice(++i, i + 1));
    else if (word === "--no-config" || controlFlags.has(word.split("=", 1)[0] ?? "")) ours.push(word);
    else theirs.push(word);
  }
  const flags = readFlags(ours);
  // What fails to load must not stand between a socket that was named and the site.
  const isNamed = flags.settings.has("controlSocket") || (environment["GATEWAY_CONTROL_SOCKET"] ?? "") !== "";
  const file = isNamed ? undefined : await readFile(flags, environment, directory, host);
  const path = resolveOne("controlSocket", { flags, environment, file, directory, host });
  return { kind: "ctl", args: theirs, controlSocket: typeof path === "string" && path !== "auto" ? path : undefined };
}
