import { basename } from "node:path";
import { expect } from "vitest";
import type { Host } from "../settings/host.ts";
import { readCommand, type Command, type ResolvedSettings } from "../settings/read-command.ts";
import type { Environment } from "../settings/setting.ts";
import { StartError } from "../start-error.ts";

/** The working directory of {@link TestCase}. */
export const here = "/srv/site";

/** What a test says of the world. */
export interface TestCase {
  readonly environment?: Environment;
  /** Files by their path: a text, or what a module exports. */
  readonly files?: Readonly<Record<string, unknown>>;
  readonly host?: Partial<Host>;
}

/** A machine with the files of a test: 4 CPUs, 8 GiB, folders everywhere. */
export function testHost(files: Readonly<Record<string, unknown>>, host: Partial<Host> = {}): Host {
  return {
    isFile: (path) => Object.hasOwn(files, path),
    isFolder: (path) => !basename(path).includes("."),
    isReadable: (path) => Object.hasOwn(files, path),
    readText: (path) => String(files[path]),
    load: (path) => Promise.resolve(files[path] as Record<string, unknown>),
    cpus: 4,
    memoryBytes: 8 * 1024 ** 3,
    isRoot: false,
    pid: 4711,
    ...host,
  };
}

/** Reads a command line, which has no quotes: its words are separated by spaces. */
export function command(
  line: string | readonly string[],
  { environment = {}, files = {}, host = {} }: TestCase = {},
): Promise<Command> {
  const args = typeof line === "string" ? line.split(" ").filter((word) => word !== "") : line;
  return readCommand(args, environment, here, testHost(files, host));
}

/** The same for one that has settings. */
export async function resolved(line: string | readonly string[], test: TestCase = {}): Promise<ResolvedSettings> {
  const read = await command(line, test);
  if (!("settings" in read)) throw new Error(`it has no settings: ${read.kind}`);
  return read;
}

/** A config file in the working directory. */
export const configAt = (name: string): string => `${here}/${name}`;

/** With a config file in JSON. */
export const json = (settings: object): TestCase => ({ files: { [configAt("gateway.config.json")]: JSON.stringify(settings) } });

/** With one that exports that. */
export const module = (exported: unknown): TestCase => ({ files: { [configAt("gateway.config.ts")]: { default: exported } } });

/** Why a command line is refused, in one line. */
export async function failure(line: string | readonly string[], test: TestCase = {}): Promise<string> {
  const error: unknown = await command(line, test).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(error instanceof StartError)) throw new Error("it was not refused", { cause: error });
  expect(error.message).not.toContain("\n");
  return error.message;
}
