import type { Config } from "./config.ts";

/** A number of seconds, or one with its unit: `"500ms"`, `"30s"`, `"5m"`. */
export type Duration = number | `${number}${"ms" | "s" | "m" | "h" | "d"}`;

/** A number of bytes, or one with its unit: `"16KiB"` has 1024 times 16, `"16kB"` 1000 times. */
export type Size = number | `${number}${"B" | "kB" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "TiB"}`;

/** A part of a hundred: `"75%"`. */
export type Percentage = `${number}%`;

/** What a config file that exports a function is told. */
export interface ConfigContext {
  /** The environment of the command. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The folder where the command was started. */
  readonly directory: string;
}

/** What a config file exports: settings, or a function that gives them. */
export type ConfigExport = Config | ((context: ConfigContext) => Config | Promise<Config>);

/**
 * Types a config file, so that editors complete it. It gives back what it is given.
 *
 * ```ts
 * import { defineConfig } from "@gateway/cli";
 *
 * export default defineConfig({ target: "./app.ts", workers: "auto", keepAliveSeconds: "75s" });
 * ```
 */
export function defineConfig(config: ConfigExport): ConfigExport {
  return config;
}
