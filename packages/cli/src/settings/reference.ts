import { actions } from "./flags.ts";
import { defaultText } from "./help-text.ts";
import { groups } from "./setting.ts";
import { table, type NamedSetting } from "./table.ts";

const generated = "Generated from the settings in src/settings by `npm run settings -w @gateway/cli`: change them there.";

/** The reference page, in Markdown. */
export function referencePage(): string {
  const settings = [...table.values()];
  const sections = groups.map(
    (group) =>
      `## ${group}\n\n${settings
        .filter((setting) => setting.group === group)
        .map(section)
        .join("\n")}`,
  );
  return `<!-- ${generated} -->

# Settings of \`gateway\`

${introduction}

## Commands and the config file

${actions.map(actionLine).join("\n")}

${sections.join("\n")}`;
}

const introduction = `Each setting has a flag, a variable of the environment and a key in the config file. A flag goes before the environment, that before the file, that before the default; lists are
not merged. \`gateway --explain\` shows each value and where it came from. What does not exist or makes no sense is one line on standard error, and exit status 1.

- **Times** are \`500ms\`, \`30s\`, \`1.5m\`, \`2h\`, \`1d\`, or a number of seconds.
- **Sizes** are \`16KiB\`, \`1.5GiB\` (powers of 1024), \`2MB\`, \`10kB\` (powers of 1000), or a number of bytes.
- **Switches** are flags without a value, and \`--no-NAME\`; \`true\` or \`false\`, \`1\` or \`0\`, \`yes\` or \`no\`, \`on\` or \`off\` in the environment.
- **Lists** are flags that are repeated, variables with commas, arrays in the file; \`env\` is an object there.
- **What is optional** is taken back with \`--no-NAME\`, with \`none\` in the environment, with \`false\` or \`null\` in the file.
- **Paths** are relative to the working directory; in the file, to the file.
- An empty variable counts as none.

The config file is \`gateway.config.ts\`, \`.mts\`, \`.js\`, \`.mjs\` or \`.json\` in the working directory, or what \`--config\` or \`GATEWAY_CONFIG\` names. It exports an object, or a function that gives one
(or a promise of one) and is told \`{ environment, directory }\`. TypeScript works where it works for applications.`;

function actionLine({ name, short, placeholder, help }: (typeof actions)[number]): string {
  return `- \`--${name}${placeholder === "" ? "" : ` ${placeholder}`}\`${short === undefined ? "" : `, \`-${short}\``}: ${help}`;
}

function section(setting: NamedSetting): string {
  const { name, flag, short, kind, help, more, variable, variables, protocols } = setting;
  const title = flag === undefined ? kind.placeholder : `--${flag}${kind.placeholder === "" ? "" : ` ${kind.placeholder}`}`;
  const others = variables === "none" ? [] : (variables ?? []);
  const names = [
    ...(variable === undefined ? [] : [`\`${variable}\``]),
    ...others.map(({ name, meaning }) => `\`${name}\`${meaning === "the same" ? "" : ` (${meaning})`}`),
  ];
  const lines = [
    `### \`${title}\`${short === undefined ? "" : `, \`-${short}\``}`,
    "",
    `${help.slice(0, 1).toUpperCase()}${help.slice(1)}.${more === undefined ? "" : ` ${more}`}`,
    "",
    `- Value: ${kind.what}`,
    `- Default: ${defaultLine(setting)}`,
    `- File: \`${name}\`; environment: ${names.length === 0 ? "none, its values may have commas" : names.join(", then ")}`,
    ...(protocols === undefined ? [] : [`- Protocols: ${protocols.join(", ")}; with another one it is refused`]),
    "",
  ];
  return lines.join("\n");
}

function defaultLine(setting: NamedSetting): string {
  const text = defaultText(setting);
  if (text === undefined) return "none";
  return typeof setting.byDefault === "object" ? text : `\`${text}\``;
}

/** The types of the config file: what editors complete. */
export function configTypes(): string {
  const keys = [...table.values()].map((setting) => {
    const { name, kind, help, more, protocols } = setting;
    const byDefault = defaultText(setting);
    const only = protocols === undefined ? "" : ` Only for ${protocols.join(" and ")}.`;
    const comment = `${help.slice(0, 1).toUpperCase()}${help.slice(1)}${byDefault === undefined ? "" : ` (default ${byDefault})`}.${only}${more === undefined ? "" : ` ${more}`}`;
    return `  /** ${comment} */\n  readonly ${name}?: ${kind.type} | undefined;`;
  });
  const used = ["Duration", "Percentage", "Size"].filter((type) =>
    keys.some((key) => key.includes(`: ${type} `) || key.includes(`| ${type} `)),
  );
  return `// ${generated}
import type { ${used.join(", ")} } from "./define-config.ts";

/** The settings that a config file may have. */
export interface Config {
${keys.join("\n")}
}
`;
}
