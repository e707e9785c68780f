import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  statSync,
  type BigIntStats,
} from "node:fs";
import { isAbsolute, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { HTTPError } from "@gateway/core";
import { stampOf, type FileStamp } from "./file-stamp.ts";

/** A regular file inside the root, open for reading. Whoever holds it closes the descriptor. */
export interface OpenFile {
  readonly descriptor: number;
  readonly stamp: FileStamp;
}

/** For how long what the file system said is believed. */
export const believedMilliseconds = 1000;

/** Without waiting for a writer (a FIFO), and without becoming the terminal of this process (a device). Windows knows neither. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** Where the system tells the real path of a descriptor, which no link can change any more. */
const descriptorFolder = existsSync("/proc/self/fd") ? "/proc/self/fd" : undefined;

/** What is no file to a client, whatever the reason. ENXIO is a socket. */
const noFile = new Set(["ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENAMETOOLONG", "EACCES", "EPERM", "ENXIO", "ENODEV", "EINVAL"]);

/**
 * The folder whose files are served. It may be reached by a link that is set to another folder while it is served, as a deployment
 * does it: its real path is looked up again after a second.
 */
export class RootFolder {
  readonly #given: string;
  readonly #followed: (() => void) | undefined;
  #real: string;
  #lookedUpAt: number;

  /**
   * @param followed called when the real path has changed.
   * @throws {TypeError} for anything but an absolute path, or a `file:` URL, of a folder that is there.
   */
  constructor(root: string | URL, caller: string, now: number, followed?: () => void) {
    const path = typeof root === "string" ? root : fileURLToPath(root);
    if (!isAbsolute(path)) {
      throw new TypeError(
        `${caller}: the root is an absolute path or a URL, such as new URL("public/", import.meta.url), not ${path}`,
      );
    }
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new TypeError(`${caller}: the root ${path} is no folder`);
    this.#given = path;
    this.#followed = followed;
    this.#real = withoutEnd(realpathSync.native(path));
    this.#lookedUpAt = now;
  }

  /** The real path, as it was at most a second ago; without a separator at its end, so `""` for the root of the system. */
  path(now: number): string {
    if (now - this.#lookedUpAt >= believedMilliseconds || now < this.#lookedUpAt) {
      this.#lookedUpAt = now;
      const real = realPath(this.#given);
      // One that is gone leaves the last one in force: there is nothing in it either.
      if (real !== undefined && withoutEnd(real) !== this.#real) {
        this.#real = withoutEnd(real);
        this.#followed?.();
      }
    }
    return this.#real;
  }

  /**
   * Opens a file below the root. Opened first and looked at then, by its descriptor, so that nothing can be put in its place between
   * the two: a regular file, whose real path is inside the root, whatever links led to it.
   *
   * @param path with a slash in front, checked by `isServable`.
   * @returns `undefined` where there is no such file.
   * @throws {HTTPError} 503 where the process has no descriptor left. Other errors of the system are thrown as they are.
   */
  open(path: string, now: number): OpenFile | undefined {
    const root = this.path(now);
    const full = root + path;
    let descriptor: number;
    try {
      descriptor = openSync(full, openFlags);
    } catch (error) {
      return noFileOr(error);
    }
    let isKept = false;
    try {
      const stats = fstatSync(descriptor, { bigint: true });
      isKept = stats.isFile() && isInside(root, descriptor, full, stats);
      return isKept ? { descriptor, stamp: stampOf(stats) } : undefined;
    } catch (error) {
      return noFileOr(error);
    } finally {
      if (!isKept) closeSync(descriptor);
    }
  }

  /** What stands at a path now, links followed: for a cheap first look, and for news of what was opened before. It proves nothing. */
  look(path: string, now: number): BigIntStats | undefined {
    try {
      return statSync(this.path(now) + path, { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      return noFileOr(error);
    }
  }

  /** The real path of what is below the root; `undefined` where there is nothing, or links lead outside. */
  folder(path: string, now: number): string | undefined {
    const root = this.path(now);
    const real = realPath(root + path);
    return real !== undefined && `${real}${sep}`.startsWith(root + sep) ? real : undefined;
  }

  /** Is what links lead to, from a path below the root, below it too? */
  isInside(path: string, now: number): boolean {
    return this.folder(path, now) !== undefined;
  }
}

function withoutEnd(path: string): string {
  return path.endsWith(sep) ? path.slice(0, -1) : path;
}

/** @returns `undefined` for an error that means that there is no file; a function, so that it can stand in a `catch`. */
export function noFileOr(error: unknown): undefined {
  const code = codeOf(error);
  if (noFile.has(code)) return undefined;
  if (code === "EMFILE" || code === "ENFILE") {
    throw new HTTPError(503, "The server has too many files open.", { headers: [["Retry-After", "1"]], cause: error });
  }
  throw error;
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch (error) {
    return noFileOr(error);
  }
}

function isInside(root: string, descriptor: number, path: string, stats: BigIntStats): boolean {
  if (descriptorFolder !== undefined) return readlinkSync(`${descriptorFolder}/${descriptor}`).startsWith(root + sep);
  return isSameFileInside(root, path, stats);
}

/**
 * The check where the system does not tell the path of a descriptor: the real path is inside the root, and what is there is the very
 * file that was opened.
 */
export function isSameFileInside(root: string, path: string, stats: BigIntStats): boolean {
  const real = realPath(path);
  if (real === undefined || !real.startsWith(root + sep)) return false;
  const there = statSync(real, { bigint: true, throwIfNoEntry: false });
  return there !== undefined && there.dev === stats.dev && there.ino === stats.ino;
}
