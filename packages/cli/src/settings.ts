import { parseArgs } from "node:util";
import { parseBind, parsePort, type Bind } from "./bind.ts";
import { StartError } from "./start-error.ts";

/** One flag of the command: the source of what is parsed and of what `--help` shows. */
interface Flag {
  readonly name: string;
  readonly short?: string;
  /** What its value is called in `--help`; a flag without one is a switch. */
  readonly value?: string;
  readonly help: readonly string[];
}

const flags: readonly Flag[] = [
  {
    name: "bind",
    short: "b",
    value: "ADDRESS",
    help: [
      "where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH,",
      "or fd://N for a socket that was inherited",
      "(default 127.0.0.1:8000; 0.0.0.0:$PORT where PORT is set)",
    ],
  },
  { name: "protocol", value: "NAME", help: ["what to speak there: http, fastcgi, scgi or uwsgi (default http)"] },
  { name: "validate", help: ["check the application against the contract"] },
  { name: "help", short: "h", help: ["show this and stop"] },
  { name: "version", short: "v", help: ["show the version and stop"] },
];

/** What a server can speak. */
export const protocolNames = ["http", "fastcgi", "scgi", "uwsgi"] as const;

/** One of {@link protocolNames}. */
export type ProtocolName = (typeof protocolNames)[number];

/** What the command shall do. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | {
      readonly kind: "serve";
      readonly bind: Bind;
      readonly protocol: ProtocolName;
      readonly validate: boolean;
      readonly target: string;
    };

/**
 * Reads the command line. Pure: nothing is looked up but what is given.
 *
 * @param args without the names of node and the script.
 * @param environment only `PORT` is read, and only without `--bind`.
 * @throws {StartError} for a command line that makes no sense.
 */
export function parseCommand(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Command {
  const options = Object.fromEntries(
    flags.map(({ name, short, value }) => [
      name,
      { type: value === undefined ? ("boolean" as const) : ("string" as const), ...(short && { short }) },
    ]),
  );
  // Not strict: node's own messages take several lines and do not point to --help.
  const { tokens, positionals } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const given = new Map<string, string | true>();
  for (const token of tokens) {
    if (token.kind === "option") given.set(token.name, readOption(token, given));
  }

  if (given.has("help")) return { kind: "help" };
  if (given.has("version")) return { kind: "version" };
  const [target, ...more] = positionals;
  if (target === undefined || target === "")
    throw new StartError("no application is named: gateway MODULE[:EXPORT] (see gateway --help)");
  if (more.length > 0) throw new StartError(`one application is served, ${quote(more[0])} is too much (see gateway --help)`);
  const bind = given.get("bind");
  return {
    kind: "serve",
    bind: typeof bind === "string" ? parseBind(bind) : defaultBind(environment["PORT"]),
    protocol: protocolOf(given.get("protocol")),
    validate: given.has("validate"),
    target,
  };
}

/** What `--help` shows. */
export function helpText(): string {
  const usages = flags.map(
    ({ short, name, value }) => `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
  );
  const width = Math.max(...usages.map((usage) => usage.length));
  const lines = flags.flatMap(({ help }, at) =>
    help.map((line, nth) => `  ${(nth === 0 ? (usages[at] ?? "") : "").padEnd(width)}  ${line}`),
  );
  return `Usage: gateway [options] MODULE[:EXPORT]

Serves a web application over HTTP/1.1, or behind a front server over FastCGI, SCGI or uwsgi.
MODULE is a path (./app.js, dist/app, app.ts) or the name of a package; EXPORT is what it exports
(default: the first application among "default", "app" and "application").

Options:
${lines.join("\n")}
`;
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function readOption({ name, rawName, value, inlineValue }: OptionToken, given: ReadonlyMap<string, unknown>): string | true {
  const flag = flags.find((flag) => flag.name === name);
  if (flag === undefined) throw new StartError(`there is no flag ${rawName} (see gateway --help)`);
  if (flag.value === undefined) {
    if (value !== undefined) throw new StartError(`${rawName} takes no value (see gateway --help)`);
    return true;
  }
  // A value that looks like a flag is one whose own value was forgotten, unless it is attached: --bind=-x.
  if (value === undefined || value === "" || (inlineValue !== true && value.startsWith("-"))) {
    throw new StartError(`${rawName} needs a value: ${rawName} ${flag.value} (see gateway --help)`);
  }
  if (given.has(name)) throw new StartError(`--${name} is given twice (see gateway --help)`);
  return value;
}

function protocolOf(given: string | true | undefined): ProtocolName {
  if (given === undefined) return "http";
  const known = protocolNames.find((name) => name === given);
  if (known === undefined) throw new StartError(`there is no protocol ${quote(String(given))}: ${protocolNames.join(", ")}`);
  return known;
}

/** Platforms that choose the port reach the process from outside: then it listens on all IPv4 interfaces. */
function defaultBind(port: string | undefined): Bind {
  if (port === undefined || port === "") return parseBind("127.0.0.1:8000");
  if (parsePort(port) === undefined)
    throw new StartError(`PORT in the environment is ${quote(port)}, which is not a port (0 to 65535)`);
  return parseBind(`0.0.0.0:${port}`);
}

function quote(text: string | undefined): string {
  return JSON.stringify(text);
}
