import { explain, type ExplainContext } from "./explain.ts";
import { printConfig } from "./print-config.ts";
import type { Command } from "./read-command.ts";

/** The commands that say something about the settings and stop. */
export type ReportCommand = Extract<Command, { readonly kind: "serve" | "check" | "print" | "explain" }>;

/**
 * What `--check-config`, `--print-config` and `--explain` show. Nothing is bound, and no worker is started.
 *
 * @param context its `check` finds what would keep the command from starting, its `load` loads the application, as it would be loaded to be served.
 * @throws {StartError} what either throws, for `--check-config`.
 */
export async function report(
  command: ReportCommand,
  context: Required<Pick<ExplainContext, "load">> & ExplainContext & { readonly check: () => void },
): Promise<string> {
  const { kind, settings } = command;
  if (kind === "print") return printConfig(command);
  if (kind === "explain") return explain(command, settings.target === "" ? { ...context, load: undefined } : context);
  context.check();
  await context.load?.();
  return `gateway: the settings are right, and ${settings.target} loads\n`;
}
