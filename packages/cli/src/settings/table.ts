import { declaredSettings } from "./declared-settings.ts";
import { limitSettings } from "./limit-settings.ts";
import { listeningSettings } from "./listening-settings.ts";
import { logSettings } from "./log-settings.ts";
import { processSettings } from "./process-settings.ts";
import type { LimitSetting, Setting, Table, groups } from "./setting.ts";
import type { Settings } from "./settings.ts";

const main: Table<Omit<Settings, "limits" | "declared">> = { ...listeningSettings, ...processSettings, ...logSettings };

/** A setting in the table. */
export interface NamedSetting extends Setting<unknown> {
  /** Its key in the file. */
  readonly name: string;
  /** Its long flag, without dashes; `undefined` for the application, which has none. */
  readonly flag?: string;
  /** Its own variable; `undefined` where it has none. */
  readonly variable: string | undefined;
  /** The part of {@link Settings} that it stands in. */
  readonly part: "main" | "limits" | "declared";
}

/** Every setting, by its key in the file: the one source of flags, variables, keys, help, reference and checks. */
export const table: ReadonlyMap<string, NamedSetting> = new Map(
  [...named("main", main), ...named("limits", limitSettings, "Limits and deadlines"), ...named("declared", declaredSettings)].map(
    (setting) => [setting.name, setting],
  ),
);

/** `keepAliveSeconds` as `keep-alive-seconds`. */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function named(
  part: NamedSetting["part"],
  settings: Readonly<Record<string, LimitSetting<unknown> & Partial<Pick<Setting<unknown>, "group">>>>,
  usualGroup: (typeof groups)[number] = "The process",
): readonly NamedSetting[] {
  const name = (
    key: string,
    { flag = kebab(key), variables, group = usualGroup, ...rest }: (typeof settings)[string],
  ): NamedSetting => ({
    ...rest,
    group,
    name: key,
    part,
    ...(key !== "target" && { flag }),
    ...(variables !== undefined && { variables }),
    variable: variables === "none" ? undefined : `GATEWAY_${kebab(key).replaceAll("-", "_").toUpperCase()}`,
  });
  return Object.entries(settings).map(([key, setting]) => name(key, setting));
}
