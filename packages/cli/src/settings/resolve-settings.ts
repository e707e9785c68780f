import { relative, resolve } from "node:path";
import { parseBind, type Bind } from "../bind.ts";
import { StartError } from "../start-error.ts";
import { checkKeys, type ConfigFile } from "./config-file.ts";
import type { Flags } from "./flags.ts";
import type { Host } from "./host.ts";
import { Unfit, type Place } from "./kind.ts";
import type { Settings } from "./settings.ts";
import { sourceText, type Source, type Sources } from "./source.ts";
import type { Environment, ProtocolName, Variable } from "./setting.ts";
import { table, type NamedSetting } from "./table.ts";

/** All that settings are read from. */
export interface Given {
  readonly flags: Flags;
  readonly environment: Environment;
  readonly file: ConfigFile | undefined;
  /** The working directory. */
  readonly directory: string;
  readonly host: Host;
}

/** A value, and where it came from. */
interface Value {
  readonly value: unknown;
  readonly source: Source;
  /** Where its relative paths begin. */
  readonly directory: string;
}

/**
 * The value of every setting: the flag's, else the environment's, else the file's, else the default. Nothing is merged.
 *
 * @throws {StartError} for a value that makes no sense, alone or beside the others; it names where it came from.
 */
export function resolveSettings(given: Given): { readonly settings: Settings; readonly sources: Sources } {
  if (given.file !== undefined) checkKeys(given.file);
  const protocol = read(settingNamed("protocol"), given, "http").value as ProtocolName;
  const values = new Map<string, Value>();
  for (const setting of table.values()) {
    const value = read(setting, given, protocol);
    if (has(setting, protocol)) values.set(setting.name, value);
    else if (value.source.kind === "default") values.set(setting.name, { ...value, value: setting.kind.absent?.() ?? value.value });
    else throw new StartError(`${sourceText(value.source)} is not for ${protocol}: ${ownersText(setting)}`);
  }
  const settings = compose(values, protocol);
  checkTogether(settings, values, given.host);
  return { settings, sources: Object.fromEntries([...values].map(([name, { source }]) => [name, source])) };
}

/** Reads one setting alone, for `gateway ctl`, which must work while the others are wrong. @throws {StartError} for a wrong value. */
export function resolveOne(name: string, given: Given): unknown {
  return read(settingNamed(name), given, "http").value;
}

/** Whether the protocol has such a setting. */
export function has({ protocols }: NamedSetting, protocol: ProtocolName): boolean {
  return protocols === undefined || protocols.includes(protocol);
}

function settingNamed(name: string): NamedSetting {
  const setting = table.get(name);
  if (setting === undefined) throw new TypeError(`there is no setting ${name}`);
  return setting;
}

function ownersText({ protocols = [] }: NamedSetting): string {
  return `${protocols.length === 1 ? "only" : ""} ${protocols.join(" and ")} ${protocols.length === 1 ? "has" : "have"} it`.trimStart();
}

function read(setting: NamedSetting, given: Given, protocol: ProtocolName): Value {
  return (
    fromFlag(setting, given) ?? fromEnvironment(setting, given) ?? fromFile(setting, given) ?? fromDefault(setting, given, protocol)
  );
}

function fromFlag({ name, kind }: NamedSetting, { flags, directory, host }: Given): Value | undefined {
  if (name === "target") {
    const word = flags.words[0];
    return word === undefined ? undefined : { value: word, source: { kind: "flag", name: "the application" }, directory };
  }
  const flag = flags.settings.get(name);
  return (
    flag && attributed({ kind: "flag", name: flag.rawName }, { directory, host }, (place) => kind.fromTexts(flag.texts, place))
  );
}

function fromEnvironment(setting: NamedSetting, { environment, directory, host }: Given): Value | undefined {
  const own: Variable[] =
    setting.variable === undefined ? [] : [{ name: setting.variable, texts: (value) => textsOf(value, setting), meaning: "" }];
  const others = setting.variables === "none" ? [] : (setting.variables ?? []);
  for (const { name, texts } of [...own, ...others]) {
    const value = environment[name];
    // An empty variable is how a shell or a manifest says that there is none.
    if (value === undefined || value === "") continue;
    const source: Source = { kind: "variable", name };
    const found = attributed(source, { directory, host }, (place) => {
      const meant = texts(value, environment, host);
      return meant === undefined ? undefined : { value: setting.kind.fromTexts(meant, place) };
    });
    if (found.value !== undefined) return { ...found, ...(found.value as { value: unknown }) };
  }
  return undefined;
}

function textsOf(value: string, { kind }: NamedSetting): readonly string[] {
  return kind.isList ? value.split(",").map((text) => text.trim()) : [value];
}

function fromFile({ name, kind }: NamedSetting, { file, host }: Given): Value | undefined {
  if (file === undefined || !file.values.has(name)) return undefined;
  const source: Source = { kind: "file", name: file.name, key: name };
  return attributed(source, { directory: file.directory, host }, (place) => kind.fromFile(file.values.get(name), place));
}

function fromDefault({ name, kind, byDefault }: NamedSetting, { directory, host }: Given, protocol: ProtocolName): Value {
  const source: Source = { kind: "default" };
  const text = typeof byDefault === "object" ? byDefault[protocol] : byDefault;
  // An application has no default: it may still be missing where nothing is served.
  if (name === "target") return { value: "", source, directory };
  return { value: text === undefined ? kind.absent?.() : kind.fromTexts([text], { directory, host }), source, directory };
}

/** Reads a value, and says where it came from when it makes no sense. */
function attributed(source: Source, place: Place, read: (place: Place) => unknown): Value {
  try {
    return { value: read(place), source, directory: place.directory };
  } catch (error) {
    if (error instanceof Unfit) throw new StartError(`${sourceText(source)} ${error.message}`);
    if (error instanceof StartError) throw new StartError(`${sourceText(source)}: ${error.message}`);
    throw error;
  }
}

/** The table says by its types that each value is what {@link Settings} wants under that name. */
function compose(values: ReadonlyMap<string, Value>, protocol: ProtocolName): Settings {
  const parts: Record<NamedSetting["part"], Record<string, unknown>> = { main: {}, limits: {}, declared: {} };
  for (const setting of table.values()) {
    if (setting.part === "limits" && !has(setting, protocol)) continue;
    const name = setting.part === "limits" ? (setting.option ?? setting.name) : setting.name;
    parts[setting.part][name] = values.get(setting.name)?.value;
  }
  const { main, limits, declared } = parts;
  const settings = { ...main, limits, declared } as unknown as Settings;
  const adapt = (name: "bind" | "metricsBind") => (bind: Bind) =>
    moved(bind, values.get(name)?.directory ?? settings.chdir, settings.chdir);
  return {
    ...settings,
    target: movedTarget(settings.target, values.get("target")?.directory ?? settings.chdir, settings.chdir),
    bind: settings.bind.map(adapt("bind")),
    metricsBind: settings.metricsBind && adapt("metricsBind")(settings.metricsBind),
  };
}

/** The path of a Unix socket is relative to where it was written. As long as that is where it is opened it stays as it is: paths of sockets are short. */
function moved(bind: Bind, from: string, to: string): Bind {
  if (!bind.host.startsWith("unix:") || from === to) return bind;
  return parseBind(`unix:${resolve(from, bind.host.slice(5))}`);
}

/** `./app.js` in a file is a neighbour of the file; on the command line it is looked for where the command works. */
function movedTarget(target: string, from: string, to: string): string {
  if (from === to || !/^\.{1,2}\//.test(target)) return target;
  const path = relative(to, resolve(from, target));
  return path.startsWith("..") ? path : `./${path}`;
}

function checkTogether(settings: Settings, values: ReadonlyMap<string, Value>, host: Host): void {
  const origin = (name: string): string => sourceText(values.get(name)?.source ?? { kind: "default" });
  const { bind, metricsBind, tlsKey, tlsCert, tlsCa, chdir, livePath, readyPath } = settings;

  if (bind.length === 0) throw new StartError(`${origin("bind")} is empty: name an address, like 127.0.0.1:8000`);
  const places = bind.filter(({ port, host }) => port !== 0 || host.startsWith("unix:") || host.startsWith("fd:"));
  const twice = places.find(({ text }, i) => places.findIndex((other) => other.text === text) !== i);
  if (twice !== undefined) throw new StartError(`${origin("bind")} has ${twice.text} twice`);
  if (metricsBind !== undefined && places.some(({ text }) => text === metricsBind.text)) {
    throw new StartError(
      `${origin("metricsBind")} is ${metricsBind.text}, where the application is served: choose another address`,
    );
  }
  if (tlsKey === undefined && tlsCert !== undefined) throw new StartError(`${origin("tlsCert")} needs its key: --tls-key PATH`);
  if (tlsCert === undefined && tlsKey !== undefined)
    throw new StartError(`${origin("tlsKey")} needs its certificate: --tls-cert PATH`);
  if (tlsCa !== undefined && tlsKey === undefined) {
    throw new StartError(`${origin("tlsCa")} needs a key and a certificate: --tls-key PATH --tls-cert PATH`);
  }
  for (const [name, path] of Object.entries({ tlsKey, tlsCert, tlsCa })) {
    if (path !== undefined && !host.isReadable(path))
      throw new StartError(`${origin(name)} is ${path}, which is not there or may not be read`);
  }
  if (!host.isFolder(chdir)) throw new StartError(`${origin("chdir")} is ${chdir}, which is not a folder`);
  if (livePath === readyPath)
    throw new StartError(`${origin("readyPath")} is ${readyPath}, and so is livePath: they tell two things`);
}
