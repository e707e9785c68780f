import { readFileSync, statSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { ApplicationLike } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import { checkStart } from "./check-start.ts";
import { loadApplication } from "./load-application.ts";
import { ctl } from "./control/ctl.ts";
import { manage } from "./manager/manage.ts";
import { helpText } from "./settings/help-text.ts";
import { readCommand, type Command } from "./settings/read-command.ts";
import { report } from "./settings/report.ts";
import { serveHere } from "./serve-here.ts";
import { StartError } from "./start-error.ts";

/**
 * The `gateway` command.
 *
 * @param args without the names of node and the script.
 * @returns the exit status, when all is over.
 * @throws {SyntaxError} of the application's module, after it was named.
 */
export async function main(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  try {
    const directory = logicalDirectory(environment);
    return await run(await readCommand(args, environment, directory), { args, environment, directory });
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`gateway: ${error.message}\n`);
    // Only the runtime's own report of an error that nobody catches shows the line that cannot be read.
    if (error.cause instanceof SyntaxError) throw error.cause;
    if (error.cause !== undefined) process.stderr.write(errorText(error.cause));
    return 1;
  }
}

/** How the command was started. */
interface Start {
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly directory: string;
}

async function run(command: Command, { args, environment, directory }: Start): Promise<number> {
  switch (command.kind) {
    case "help":
      return show(helpText());
    case "version":
      return show(`${version()}\n`);
    case "check":
    case "print":
    case "explain": {
      const { target, chdir, env } = command.settings;
      const load = async (): Promise<ApplicationLike> => {
        // As it would be loaded to be served.
        process.chdir(chdir);
        Object.assign(process.env, env);
        return loadApplication(target);
      };
      return show(await report(command, { environment, check: () => checkStart(command), load }));
    }
    case "ctl": {
      const { controlSocket } = command;
      return ctl(
        controlSocket === undefined || controlSocket === "auto"
          ? command.args
          : [`--control-socket=${controlSocket}`, ...command.args],
        {
          directory,
          environment,
          print: (text) => void process.stdout.write(text),
          complain: (text) => void process.stderr.write(text),
        },
      );
    }
    case "serve": {
      const { settings } = command;
      process.chdir(settings.chdir);
      if (settings.workers === 0) return serveHere(settings, environment);
      const readSettings = async (): Promise<typeof settings> => {
        const again = await readCommand(args, environment, directory);
        if (again.kind !== "serve") throw new Error("the command changed");
        return again.settings;
      };
      return manage({ settings, readSettings, environment, version: version(), directory });
    }
  }
}

/**
 * The working directory as the shell knows it. Where a link led to it (`current`, of a deployment) reloads and upgrades follow that link to where it leads
 * then; the system knows only where it led at the start.
 */
function logicalDirectory({ PWD: logical }: NodeJS.ProcessEnv): string {
  const physical = process.cwd();
  if (logical === undefined || !isAbsolute(logical)) return physical;
  const [one, other] = [statSync(logical, { throwIfNoEntry: false }), statSync(physical)];
  return one?.dev === other.dev && one.ino === other.ino ? logical : physical;
}

function show(text: string): number {
  process.stdout.write(text);
  return 0;
}

function version(): string {
  const description = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return description.version;
}
