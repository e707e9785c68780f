import { actions } from "./flags.ts";
import { groups, protocolNames } from "./setting.ts";
import { table, type NamedSetting } from "./table.ts";
import { wrap } from "./wrap.ts";

const columns = 100;
const usageColumns = 34;

/** What `--help` shows. */
export function helpText(): string {
  const sections = groups.map((group) => `${group}:\n${entriesOf(group).join("\n")}`);
  const commands = actions.flatMap(({ name, short, placeholder, help }) => entry(name, short, placeholder, help));
  return `Usage: gateway [options] MODULE[:EXPORT]
       gateway ctl COMMAND (see gateway ctl --help)

Serves a web application over HTTP/1.1, or behind a front server over FastCGI, SCGI or uwsgi.
MODULE is a path (./app.js, dist/app, app.ts) or the name of a package; EXPORT is what it exports
(default: the first application among "default", "app" and "application"); EXPORT() is called, and
what it gives is served.

${sections.join("\n\n")}

Commands and the config file:
${commands.join("\n")}

Each --flag-name is also GATEWAY_FLAG_NAME in the environment, and flagName in the config file.
A flag goes before the environment, that before the file. --no-flag-name takes switches and what is
optional back. Times are 500ms, 30s, 5m, 2h or seconds; sizes 16KiB, 2MB, 1.5GiB or bytes.
`;
}

function entriesOf(group: NamedSetting["group"]): readonly string[] {
  return [...table.values()].flatMap((setting) => {
    const { flag, short, kind, help } = setting;
    if (setting.group !== group || flag === undefined) return [];
    return entry(flag, short, kind.placeholder, help + parenthesis(setting));
  });
}

/** The default as people read it; `undefined` where there is none. By protocol where they differ. */
export function defaultText({ byDefault }: Pick<NamedSetting, "byDefault">): string | undefined {
  if (typeof byDefault !== "object") return byDefault === "" ? undefined : byDefault;
  const protocolsOf = new Map<string, string[]>();
  for (const protocol of protocolNames) {
    const text = byDefault[protocol];
    if (text !== undefined) protocolsOf.set(text, [...(protocolsOf.get(text) ?? []), protocol]);
  }
  return [...protocolsOf].map(([text, protocols]) => `${text} for ${protocols.join(", ")}`).join("; ");
}

function parenthesis(setting: NamedSetting): string {
  const byDefault = setting.kind.placeholder === "" ? undefined : defaultText(setting);
  const notes = [
    ...(byDefault === undefined ? [] : [`default ${byDefault}`]),
    ...(setting.protocols === undefined ? [] : [`${setting.protocols.join(", ")} only`]),
  ];
  return notes.length === 0 ? "" : ` (${notes.join("; ")})`;
}

function entry(name: string, short: string | undefined, placeholder: string, help: string): readonly string[] {
  const usage = `  ${short === undefined ? "   " : `-${short},`} --${name}${placeholder === "" ? "" : ` ${placeholder}`}`;
  const lines = wrap(help, columns - usageColumns).map((line) => " ".repeat(usageColumns) + line);
  const [first = "", ...more] = lines;
  // A usage that leaves no room stands on a line of its own.
  return usage.length >= usageColumns ? [usage, ...lines] : [usage + first.slice(usage.length), ...more];
}
