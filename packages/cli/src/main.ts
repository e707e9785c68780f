import { readFileSync } from "node:fs";
import type { Application, ApplicationLike } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import type { GatewayServer, RefusedRequest } from "@gateway/server";
import { listenFailure, readableAddress, type Bind } from "./bind.ts";
import { loadApplication } from "./load-application.ts";
import { helpText, parseCommand, type Command, type ProtocolName } from "./settings.ts";
import { onOrphaned, onStopSignals } from "./signals.ts";
import { StartError } from "./start-error.ts";

/** What a shell reports for a process that SIGINT ended. */
const interruptedStatus = 130;

/**
 * The `gateway` command.
 *
 * @param args without the names of node and the script.
 * @returns the exit status, when all is over.
 * @throws {SyntaxError} of the application's module, after it was named.
 */
export async function main(args: readonly string[], environment: Environment): Promise<number> {
  try {
    const command = parseCommand(args, environment);
    if (command.kind === "help") process.stdout.write(helpText());
    else if (command.kind === "version") process.stdout.write(`${version()}\n`);
    else await serve(command, environment);
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    complain(error.message);
    // Only the runtime's own report of an error that nobody catches shows the line that cannot be read.
    if (error.cause instanceof SyntaxError) throw error.cause;
    if (error.cause !== undefined) process.stderr.write(errorText(error.cause));
    return 1;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the servers have in common. */
interface Gateway {
  makeServer(
    host: string,
    port: number,
    app: ApplicationLike,
    options: { onRefused: (refused: RefusedRequest) => void },
  ): GatewayServer;
}

/** Loaded when they are asked for. */
const gateways: Readonly<Record<ProtocolName, () => Promise<Gateway>>> = {
  http: () => import("@gateway/server"),
  fastcgi: () => import("@gateway/fastcgi"),
  scgi: () => import("@gateway/scgi"),
  uwsgi: () => import("@gateway/uwsgi"),
};

async function serve(command: Extract<Command, { kind: "serve" }>, environment: Environment): Promise<void> {
  let server: GatewayServer | undefined;
  const stop = (): void => {
    // Nothing is served while the application loads: nothing has to be finished.
    if (server === undefined) process.exit(0);
    say("stopping: requests under way may finish (press Ctrl+C again to stop at once)");
    void server.shutdown();
  };
  onStopSignals(stop, () => process.exit(interruptedStatus));
  onOrphaned(environment, stop);

  const app = await loadApplication(command.target);
  const served = command.validate ? await validated(app) : app;
  const gateway = await gateways[command.protocol]();
  server = gateway.makeServer(command.bind.host, command.bind.port, served, { onRefused: complainOfRefused });
  const address = await listen(server, command.bind);
  surviveFailures();
  say(`listening on ${readableAddress(address, command.protocol)} (press Ctrl+C to stop)`);
  await server.serveForever();
  await server.shutdown();
}

/** The validator is a tool for development: loaded when it is asked for. */
async function validated(app: ApplicationLike): Promise<Application> {
  const { validator } = await import("@gateway/validate");
  return validator(app);
}

async function listen(server: GatewayServer, bind: Bind): Promise<ReturnType<GatewayServer["address"]>> {
  try {
    return await server.listen();
  } catch (error) {
    throw new StartError(listenFailure(bind, error));
  }
}

/** An error that nobody caught ends no request but its own: it is reported, and the others are served on. */
function surviveFailures(): void {
  process.on("uncaughtException", (error, origin) => {
    const what = origin === "unhandledRejection" ? "a rejected promise that nobody handled" : "an error that nobody caught";
    complain(`${what}: ${errorText(error).trimEnd()}`);
  });
  // A log that nobody reads any more (`gateway app | head`) must not come back as such an error, to be logged.
  for (const output of [process.stdout, process.stderr]) output.on("error", () => {});
}

function complainOfRefused({ remoteAddress, code, reason }: RefusedRequest): void {
  complain(`refused ${remoteAddress === "" ? "a client of the socket" : remoteAddress}: ${code}, ${reason}`);
}

function say(line: string): void {
  process.stdout.write(`gateway: ${line}\n`);
}

function complain(line: string): void {
  process.stderr.write(`gateway: ${line}\n`);
}

function version(): string {
  const description = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return description.version;
}
