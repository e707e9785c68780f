import { parseArgs } from "node:util";
import { StartError } from "../start-error.ts";
import { nearest } from "./nearest.ts";
import { renamed } from "./renamed.ts";
import { table, type NamedSetting } from "./table.ts";

/** A flag that is no setting: it says what is to be done, or where the config file is. */
interface Action {
  readonly name: string;
  readonly short?: string;
  readonly placeholder: string;
  readonly hasNegative?: true;
  readonly help: string;
}

/** The flags that are no settings. */
export const actions: readonly Action[] = [
  {
    name: "config",
    short: "c",
    placeholder: "PATH",
    hasNegative: true,
    help: "the config file (default: gateway.config.ts, .mts, .js, .mjs or .json here); --no-config reads none",
  },
  { name: "check-config", placeholder: "", help: "check the settings, load the application, and stop" },
  { name: "print-config", placeholder: "", help: "print every setting as JSON, without secrets, and stop" },
  { name: "explain", placeholder: "", help: "print every setting, where it came from, and what looks wrong, and stop" },
  { name: "help", short: "h", placeholder: "", help: "show this and stop" },
  { name: "version", short: "v", placeholder: "", help: "show the version and stop" },
];

/** What a flag said. */
export interface GivenFlag {
  /** As it was written: `-b`, `--no-reload`. */
  readonly rawName: string;
  /** All it was given; those of a list may be several. */
  readonly texts: readonly string[];
}

/** What the command line says, not yet read. */
export interface Flags {
  /** By the key of the setting. */
  readonly settings: ReadonlyMap<string, GivenFlag>;
  /** By the name of the action. That of `--no-config` is `none`. */
  readonly actions: ReadonlyMap<string, GivenFlag>;
  readonly words: readonly string[];
}

/** A long flag, and whose it is. */
interface Flag {
  readonly key: string;
  readonly name: string;
  readonly placeholder: string;
  readonly isList: boolean;
  readonly hasNegative: boolean;
  readonly isAction: boolean;
}

const settingFlags = [...table.values()].filter(
  (setting): setting is NamedSetting & { flag: string } => setting.flag !== undefined,
);

const flags: ReadonlyMap<string, Flag> = new Map<string, Flag>([
  ...actions.map(({ name, placeholder, hasNegative = false }): [string, Flag] => [
    name,
    { key: name, name, placeholder, isList: false, hasNegative, isAction: true },
  ]),
  ...settingFlags.map(({ name, flag, kind: { placeholder, isList, hasNegative } }): [string, Flag] => [
    flag,
    { key: name, name: flag, placeholder, isList, hasNegative, isAction: false },
  ]),
]);

const shorts: ReadonlyMap<string, string> = new Map([
  ...actions.flatMap(({ name, short }): [string, string][] => (short === undefined ? [] : [[name, short]])),
  ...settingFlags.flatMap(({ flag, short }): [string, string][] => (short === undefined ? [] : [[flag, short]])),
]);

/** As `parseArgs` wants them. */
const parseOptions = Object.fromEntries(
  [...flags.values()].map(({ name, placeholder }) => {
    const short = shorts.get(name);
    return [name, { type: placeholder === "" ? ("boolean" as const) : ("string" as const), ...(short !== undefined && { short }) }];
  }),
);

/**
 * Takes the command line apart.
 *
 * @throws {StartError} for a flag that does not exist, lacks its value, has one too many, or is given twice.
 */
export function readFlags(args: readonly string[]): Flags {
  // Not strict: node's own messages take several lines and do not point to --help.
  const { tokens, positionals } = parseArgs({ args: [...args], options: parseOptions, strict: false, tokens: true });
  const given = { settings: new Map<string, GivenFlag>(), actions: new Map<string, GivenFlag>() };
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { flag, isNegative } = find(token.name, token.rawName);
    const text = isNegative ? negated(flag, token) : valueOf(flag, token);
    const into = flag.isAction ? given.actions : given.settings;
    into.set(flag.key, joined(flag, token.rawName, text, into.get(flag.key)));
  }
  return { ...given, words: positionals };
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function find(name: string, rawName: string): { readonly flag: Flag; readonly isNegative: boolean } {
  const flag = flags.get(name);
  if (flag !== undefined) return { flag, isNegative: false };
  const negated = name.startsWith("no-") ? flags.get(name.slice(3)) : undefined;
  if (negated?.hasNegative === true) return { flag: negated, isNegative: true };
  throw new StartError(`there is no flag ${rawName}${hint(name, negated)} (see gateway --help)`);
}

function hint(name: string, negated: Flag | undefined): string {
  if (negated !== undefined) return `: --${negated.name} cannot be taken back, only given another value`;
  const advice = renamed.get(name);
  if (advice !== undefined) return `: ${advice}`;
  const isNegative = name.startsWith("no-");
  const meant = name.length < 2 ? undefined : nearest(isNegative ? name.slice(3) : name, flags.keys());
  if (meant === undefined) return "";
  return `: did you mean --${isNegative && flags.get(meant)?.hasNegative === true ? "no-" : ""}${meant}?`;
}

/** @returns the text that takes the setting back. */
function negated({ placeholder }: Flag, { rawName, value }: OptionToken): string {
  if (value !== undefined) throw new StartError(`${rawName} takes no value (see gateway --help)`);
  return placeholder === "" ? "false" : "none";
}

function valueOf({ name, placeholder }: Flag, { rawName, value, inlineValue }: OptionToken): string {
  if (placeholder === "") {
    if (value !== undefined) throw new StartError(`${rawName} takes no value: ${rawName} or --no-${name} (see gateway --help)`);
    return "true";
  }
  // A value that looks like a flag is one whose own value was forgotten, unless it is attached (--bind=-x), a stream or a number.
  const isForgotten = value === undefined || value === "" || (inlineValue !== true && /^-[^0-9]/.test(value));
  if (isForgotten) throw new StartError(`${rawName} needs a value: ${rawName} ${placeholder} (see gateway --help)`);
  return value;
}

function joined(flag: Flag, rawName: string, text: string, before: GivenFlag | undefined): GivenFlag {
  if (before === undefined) return { rawName, texts: [text] };
  if (flag.isList) return { rawName: before.rawName, texts: [...before.texts, text] };
  if (flag.placeholder !== "") throw new StartError(`--${flag.name} is given twice (see gateway --help)`);
  if (before.texts[0] !== text) throw new StartError(`--${flag.name} and --no-${flag.name} are both given (see gateway --help)`);
  return before;
}
