import type { ApplicationLike } from "@gateway/core";
import { applicationRemarks } from "./explain-hook.ts";
import { deploymentRemarks } from "./deployment-checks.ts";
import { thisHost, type Host } from "./host.ts";
import { applicable, valueOf } from "./print-config.ts";
import type { ResolvedSettings } from "./read-command.ts";
import { sourceText } from "./source.ts";
import { groups, type Environment } from "./setting.ts";

/** What `--explain` looks at beside the settings. */
export interface ExplainContext {
  readonly environment: Environment;
  /** Loads the application, whose own checks are asked too; missing where none is named. */
  readonly load: (() => Promise<ApplicationLike>) | undefined;
  /** Default: this machine. */
  readonly host?: Pick<Host, "cpus" | "memoryBytes" | "isRoot">;
}

/** What `--explain` shows: each value, where it came from, and what looks wrong. */
export async function explain({ settings, sources, file }: ResolvedSettings, context: ExplainContext): Promise<string> {
  const { environment, load, host = thisHost } = context;
  const remarks = [...deploymentRemarks({ settings, sources, environment, host })];
  if (load !== undefined) {
    try {
      const deployment = {
        processes: Math.max(1, settings.workers),
        isTls: settings.tlsKey !== undefined,
        stated: new Set<string>(),
      };
      remarks.push(...applicationRemarks(await load(), deployment));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      remarks.push(`the application could not be asked for its own checks, because it does not load: ${reason}`);
    }
  }

  const rows = applicable(settings).map((setting) => ({
    group: setting.group,
    cells: [
      setting.name,
      setting.kind.text(valueOf(setting, settings)) || "none",
      sourceText(sources[setting.name] ?? { kind: "default" }),
    ],
  }));
  const width = (column: number): number => Math.min(40, Math.max(...rows.map(({ cells }) => cells[column]?.length ?? 0)));
  const widths = [width(0), width(1)];
  const tables = groups.map((group) => {
    const lines = rows.filter((row) => row.group === group).map(({ cells }) => line(cells, widths));
    return `${group}\n${lines.join("\n")}`;
  });
  return `${file === undefined ? "No config file." : `Config file: ${file}`}

${tables.join("\n\n")}

${remarksText(remarks)}
`;
}

function line(cells: readonly string[], widths: readonly number[]): string {
  return `  ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd();
}

function remarksText(remarks: readonly string[]): string {
  if (remarks.length === 0) return "Nothing looks wrong.";
  const lines = remarks.map((remark) => `- ${remark.replaceAll(/\s*[\r\n]+\s*/g, " ")}`);
  return `${remarks.length === 1 ? "One thing looks" : `${remarks.length} things look`} wrong:\n${lines.join("\n")}`;
}
