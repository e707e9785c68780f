import { parseArgs } from "node:util";
import { escapeLine, escapeLines } from "../logs/error-log.ts";
import { workerCount, workerCountText } from "../manager/worker-count.ts";
import { StartError } from "../start-error.ts";
import { ask } from "./ask.ts";
import { defaultControlPath } from "./control-path.ts";
import type { ControlAnswer, ControlRequest } from "./protocol.ts";
import { statusTable } from "./status-table.ts";

/** What `gateway ctl` uses of the world. */
export interface CtlWorld {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** What `gateway ctl --help` shows. */
const ctlHelp = `Usage: gateway ctl [options] COMMAND

Talks to a gateway that runs: by default to the one that was started in this folder.

Commands:
  status           what runs, and how the workers are
  reload           load the application anew, one worker at a time; exit status 1 when the new code fails
  workers N        run N workers, 1 to 1024
  reopen           open the log files again, for after they were renamed
  upgrade          start a new parent on the same sockets, and stop the old one when that is ready
                   (--keep: do not stop the old one)
  stop             stop, and let requests under way finish (--quick: do not wait for them)

Options:
  --control-socket PATH  its socket (default: GATEWAY_CONTROL_SOCKET, else the one of this folder)
  --json                 print the answer as JSON
  -h, --help             show this and stop
`;

/**
 * `gateway ctl`.
 *
 * @param args what follows `ctl` on the command line.
 * @returns the exit status: 0 when it was done, 1 when it failed.
 * @throws {StartError} for a command line that makes no sense, and when nobody answers.
 */
export async function ctl(args: readonly string[], { directory, environment, print, complain }: CtlWorld): Promise<number> {
  const asked = parseCtl(args);
  if (asked === "help") {
    print(ctlHelp);
    return 0;
  }
  const named = asked.path ?? environment["GATEWAY_CONTROL_SOCKET"];
  const path = named === undefined || named === "" || named === "auto" ? defaultControlPath({ directory, environment }) : named;
  const reply = await ask(path, asked.request);
  if (asked.json) print(`${JSON.stringify(reply.status ?? reply)}\n`);
  else if (reply.ok) print(reply.status === undefined ? `${escapeLine(reply.message)}\n` : statusTable(reply.status));
  else complain(complaint(asked.request, reply));
  return reply.ok ? 0 : 1;
}

/** What is asked for. */
interface Asked {
  readonly request: ControlRequest;
  readonly path: string | undefined;
  readonly json: boolean;
}

/** Reads the command line. @throws {StartError} for one that makes no sense. */
export function parseCtl(args: readonly string[]): Asked | "help" {
  let values: { help?: boolean; json?: boolean; quick?: boolean; keep?: boolean; "control-socket"?: string };
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: "boolean", short: "h" },
        json: { type: "boolean" },
        quick: { type: "boolean" },
        keep: { type: "boolean" },
        "control-socket": { type: "string" },
      },
    }));
  } catch (error) {
    const [sentence = ""] = (error instanceof Error ? error.message : String(error)).split(". ");
    throw new StartError(`${sentence.replace(/\.$/, "")} (see gateway ctl --help)`);
  }
  if (values.help === true) return "help";
  const [command, ...more] = positionals;
  if (command === undefined) throw new StartError("no command is named: gateway ctl status (see gateway ctl --help)");
  const request = requestOf(command, more);
  if (values.quick === true && request.command !== "stop") throw new StartError("--quick is for stop (see gateway ctl --help)");
  if (values.keep === true && request.command !== "upgrade") throw new StartError("--keep is for upgrade (see gateway ctl --help)");
  if (values["control-socket"] === "") throw new StartError("--control-socket needs a path (see gateway ctl --help)");
  return {
    request:
      request.command === "stop"
        ? { ...request, quick: values.quick === true }
        : request.command === "upgrade"
          ? { ...request, replace: values.keep !== true }
          : request,
    path: values["control-socket"],
    json: values.json === true,
  };
}

function requestOf(command: string, more: readonly string[]): ControlRequest {
  const [count, ...tooMuch] = command === "workers" ? more : [undefined, ...more];
  if (tooMuch[0] !== undefined) throw new StartError(`${JSON.stringify(tooMuch[0])} is too much (see gateway ctl --help)`);
  switch (command) {
    case "status":
    case "reload":
    case "reopen":
      return { command };
    case "stop":
      return { command, quick: false };
    case "upgrade":
      return { command, replace: true };
    case "workers":
      return { command, count: readCount(count) };
    default:
      throw new StartError(`there is no command ${JSON.stringify(command)} (see gateway ctl --help)`);
  }
}

function readCount(count: string | undefined): number {
  if (count === undefined) throw new StartError(`workers takes ${workerCountText}: gateway ctl workers 4`);
  try {
    return workerCount(count);
  } catch (error) {
    throw error instanceof RangeError ? new StartError(`${error.message}: gateway ctl workers 4`) : error;
  }
}

function complaint({ command }: ControlRequest, { message, detail }: ControlAnswer): string {
  return `gateway: ${command} failed: ${escapeLine(message)}\n${detail === undefined ? "" : escapeLines(detail)}`;
}
