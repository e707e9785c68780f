import type { ResolvedSettings } from "./read-command.ts";
import { has } from "./resolve-settings.ts";
import type { Json } from "./kind.ts";
import type { Settings } from "./settings.ts";
import { table, type NamedSetting } from "./table.ts";

/** What `--print-config` shows: every setting that the protocol has, as the config file would have it, without secrets. */
export function printConfig({ settings }: Pick<ResolvedSettings, "settings">): string {
  const values = applicable(settings).map((setting): [string, Json] => [
    setting.name,
    setting.kind.json(valueOf(setting, settings)),
  ]);
  return `${JSON.stringify(Object.fromEntries(values), undefined, 2)}\n`;
}

/** The settings that the chosen protocol has. */
export function applicable({ protocol }: Settings): readonly NamedSetting[] {
  return [...table.values()].filter((setting) => has(setting, protocol));
}

/** The value of a setting, wherever it stands in {@link Settings}. */
export function valueOf({ name, part, option = name }: NamedSetting, settings: Settings): unknown {
  if (part === "limits") return settings.limits[option];
  return Reflect.get(part === "declared" ? (settings.declared ?? {}) : settings, name);
}
