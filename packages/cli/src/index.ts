export { loadApplication } from "./load-application.ts";
export { StartError } from "./start-error.ts";
export {
  defineConfig,
  type ConfigContext,
  type ConfigExport,
  type Duration,
  type Percentage,
  type Size,
} from "./settings/define-config.ts";
export type { Config } from "./settings/config.ts";
export type { Declared, Settings } from "./settings/settings.ts";
export type { Bind } from "./bind.ts";
export type { ProtocolName } from "./settings/setting.ts";
