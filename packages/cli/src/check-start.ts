import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { appendObstacle, entryObstacle, folderObstacle, type Account } from "./file-obstacles.ts";
import { locateModule } from "./load-module.ts";
import { checkSpread } from "./manager/listener.ts";
import { readTlsFiles } from "./manager/tls-files.ts";
import { idOf, temporaryPath } from "./manager/unix-path.ts";
import { checkHere } from "./serve-here.ts";
import type { ResolvedSettings } from "./settings/read-command.ts";
import type { Settings } from "./settings/settings.ts";
import { sourceText } from "./settings/source.ts";
import { StartError } from "./start-error.ts";
import { parseTarget } from "./target.ts";
import { accountOf } from "./worker/identity.ts";

/** How a setting is called in a message. */
type Origin = (name: keyof Settings) => string;

/** Of capabilities(7), where Linux has them. */
const capability = { chown: 0, setgid: 6, setuid: 7 };

/**
 * Finds what would keep a command with these settings from starting here, as this user, as far as that can be found without a trace: accounts, folders,
 * the files of TLS. Nothing is made, and nothing bound; a site that is running already is no obstacle, since this is asked before a reload.
 *
 * @throws {StartError} for the first that is found; it names the setting.
 */
export function checkStart({ settings, sources }: Pick<ResolvedSettings, "settings" | "sources">): void {
  const origin: Origin = (name) => sourceText(sources[name] ?? { kind: "default" });
  if (settings.workers === 0) checkHere(settings);
  else if (settings.spread !== "round-robin") checkSpread(settings.spread);
  readTlsFiles(settings);
  const account = checkAccount(settings, origin);
  checkLogs(settings, account, origin);
  checkFiles(settings, origin);
  checkSockets(settings, origin);
  if (account !== undefined) checkModule(settings, account, origin);
}

/** @returns who the workers are to be; `undefined`: who this is. */
function checkAccount(settings: Settings, origin: Origin): Account | undefined {
  const { user, group } = settings;
  if (user === undefined && group === undefined) return undefined;
  const gid = group === undefined ? undefined : attributed(`${origin("group")} is ${group}`, () => idOf("group", group));
  const found = accountOf(settings);
  if (!isCapable(capability.setgid) || (user !== undefined && !isCapable(capability.setuid))) {
    throw new StartError(`${origin(user === undefined ? "group" : "user")} needs root, who alone may change the user of a process`);
  }
  if (user === undefined || found === undefined) return undefined;
  const others = execFileSync("id", ["-G", "--", user], { encoding: "utf8" }).trim().split(" ").map(Number);
  return { name: user, uid: found.uid, gids: new Set([...others, gid ?? found.gid]) };
}

/** The parent makes them, the workers open them. */
function checkLogs(settings: Settings, account: Account | undefined, origin: Origin): void {
  for (const name of ["accessLog", "errorLog"] as const) {
    const path = settings[name];
    if (path === undefined || /^(?:-|\/dev\/std(?:out|err))$/.test(path)) continue;
    refuse(origin(name), path, appendObstacle(path) ?? (account && entryObstacle(dirname(path), account)));
  }
}

/** What the parent makes beside sockets that it serves on. */
function checkFiles({ pidFile, controlSocket, workers }: Settings, origin: Origin): void {
  if (pidFile !== undefined)
    refuse(origin("pidFile"), pidFile, isThere(pidFile, "folder") ? "which is a folder" : folderObstacle(dirname(pidFile)));
  if (controlSocket === undefined || controlSocket === "auto" || workers === 0) return;
  refuse(origin("controlSocket"), controlSocket, socketObstacle(controlSocket));
}

function checkSockets({ bind, metricsBind, unixOwner }: Settings, origin: Origin): void {
  for (const [name, { host }] of [
    ...bind.map((bind) => ["bind", bind] as const),
    ...(metricsBind === undefined ? [] : [["metricsBind", metricsBind] as const]),
  ]) {
    if (!host.startsWith("unix:")) continue;
    const path = host.slice(5);
    refuse(origin(name), host, socketObstacle(path));
    temporaryPath(path);
  }
  if (unixOwner !== undefined && bind.some(({ host }) => host.startsWith("unix:"))) checkOwner(unixOwner, origin("unixOwner"));
}

/** Whoever is not root may give a socket to a group of his own only. */
function checkOwner(owner: string, origin: string): void {
  const [user = "", group = ""] = owner.split(":");
  const [uid, gid] = attributed(`${origin} is ${owner}`, () => [
    user === "" ? undefined : idOf("passwd", user),
    group === "" ? undefined : idOf("group", group),
  ]);
  if (isCapable(capability.chown)) return;
  const isOwn = uid === undefined || uid === process.geteuid?.();
  const isMember = gid === undefined || gid === process.getegid?.() || process.getgroups?.().includes(gid) === true;
  if (!isOwn || !isMember) throw new StartError(`${origin} is ${owner}, and only root may give a socket to others`);
}

/** What a worker that has given up the rights of root cannot load. */
function checkModule({ target, chdir }: Settings, account: Account, origin: Origin): void {
  refuse(origin("chdir"), chdir, entryObstacle(chdir, account));
  const located = locateModule(parseTarget(target).module, chdir);
  if ("path" in located) refuse(origin("target"), target, entryObstacle(dirname(located.path), account));
}

function socketObstacle(path: string): string | undefined {
  return isThere(path, "something else") ? "and something that is no socket is there" : folderObstacle(dirname(path));
}

function isThere(path: string, what: "folder" | "something else"): boolean {
  try {
    const facts = lstatSync(path);
    return what === "folder" ? facts.isDirectory() : !facts.isSocket();
  } catch {
    return false;
  }
}

/** Whether this process has a right of root. */
function isCapable(bit: number): boolean {
  try {
    const set = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1];
    if (set !== undefined) return ((BigInt(`0x${set}`) >> BigInt(bit)) & 1n) === 1n;
  } catch {
    // No Linux.
  }
  return process.geteuid?.() === 0;
}

function refuse(origin: string, value: string, obstacle: string | undefined): void {
  if (obstacle !== undefined) throw new StartError(`${origin} is ${value}, ${obstacle}`);
}

/** @throws {StartError} what is thrown, behind where it came from. */
function attributed<Result>(origin: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    throw new StartError(`${origin}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
