import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartError } from "../start-error.ts";

/** What the place of the control socket depends on. */
export interface ControlPlace {
  /** The folder that the command was started in. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where folders of users are made that have none (default: that of the system). */
  readonly temporaryFolder?: string;
  /** Makes the folder where it is missing (default: no). */
  readonly make?: boolean;
}

/**
 * Where the control socket is when nobody says it: in a folder that only this user can enter, under a name that the working directory gives, so that
 * `gateway ctl` finds it where `gateway` was started. In `$XDG_RUNTIME_DIR`, which systemd makes for users, else `gateway-UID` in the temporary folder. Not in the
 * working directory itself: that is often read-only, mounted from elsewhere, part of a repository, or longer than the path of a socket may be.
 *
 * Everybody may write to the temporary folder, so the folder there is used only while it is a real folder of this user that nobody else may touch.
 *
 * @throws {StartError} when somebody else has put something there.
 */
export function defaultControlPath({ directory, environment, temporaryFolder = tmpdir(), make = false }: ControlPlace): string {
  const runtime = environment["XDG_RUNTIME_DIR"];
  const user = process.getuid?.() ?? 0;
  const folder =
    runtime !== undefined && runtime.startsWith("/") && isOwn(runtime, user)
      ? join(runtime, "gateway")
      : join(temporaryFolder, `gateway-${user}`);
  if (make) makeFolder(folder);
  const problem = problemOf(folder, user);
  if (problem !== undefined)
    throw new StartError(`the folder of the control socket, ${folder}, ${problem}: name another with --control-socket`);
  return join(folder, `${createHash("sha256").update(realpathSync(directory)).digest("hex").slice(0, 16)}.ctl`);
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
      throw new StartError(
        `cannot make the folder of the control socket: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

/** Why a folder cannot be trusted; `undefined` where it can, or is not there. A link is not followed: it may lead anywhere. */
function problemOf(folder: string, user: number): string | undefined {
  const facts = lstatSync(folder, { throwIfNoEntry: false });
  if (facts === undefined) return undefined;
  if (facts.isSymbolicLink()) return "is a symbolic link";
  if (!facts.isDirectory()) return "is no folder";
  if (facts.uid !== user) return "belongs to another user";
  return (facts.mode & 0o077) === 0 ? undefined : "can be entered by other users (chmod 700)";
}

function isOwn(folder: string, user: number): boolean {
  return lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true && problemOf(folder, user) === undefined;
}
