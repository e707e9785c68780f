import { existsSync, statSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";
import { watch, type FSWatcher } from "chokidar";
import picomatch from "picomatch";

/** Settings of {@link watchFiles}. */
export interface WatchOptions {
  /** Files, folders and globs that are watched besides, from `directory` on (default: none). */
  readonly extra?: readonly string[] | undefined;
  /** Where those begin (default: the working directory). */
  readonly directory?: string | undefined;
  /** How long it must be quiet before a change is told, in milliseconds (default 100): whoever saves one file often saves several. Not less than 50, for what follows so soon is not told by itself. */
  readonly quietMilliseconds?: number | undefined;
  /** Is told what has changed: created, written or removed. */
  readonly onChange: (files: readonly string[]) => void;
  /** Is told when something cannot be watched, such as when the system has no watches left. */
  readonly onError: (error: Error) => void;
}

/** What watches files. */
export interface FileWatch {
  /** Watches these too, whether they are there or not. */
  add(files: readonly string[]): void;
  /** Resolves when all that was given at the start is watched. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

/** Nobody edits these by hand, and there are many. */
const neverWatched = /[\\/](?:node_modules|\.git)(?:[\\/]|$)/;

/** Watches files, and tells of changes when it is quiet again. How an editor saves (in place, or by way of a new file that takes the name) makes no difference. */
export function watchFiles(options: WatchOptions): FileWatch {
  const { extra = [], directory = process.cwd(), quietMilliseconds = 100, onChange, onError } = options;
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const touched = (file: string): void => {
    changed.add(file);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const files = [...changed].toSorted();
      changed.clear();
      onChange(files);
    }, quietMilliseconds);
  };
  const listen = (watcher: FSWatcher, isWanted: (file: string) => boolean = () => true): FSWatcher => {
    const seen = (file: string): void => {
      if (isWanted(file)) touched(file);
    };
    return watcher
      .on("add", seen)
      .on("change", seen)
      .on("unlink", seen)
      .on("error", (error) => onError(error instanceof Error ? error : new Error(String(error))));
  };

  // Their folders, not they themselves: a file that an editor replaces is another one, and a watch of the first sees nothing any more.
  const known = new Map<string, string>();
  const folders = new Set<string>();
  /** Those that are not there: the next folder above them is watched. */
  const missing = new Set<string>();
  // What is found at the start counts too: it may have changed since it was imported.
  const imported = listen(watch([], { ignoreInitial: false, depth: 0, ignored: neverWatched }), (file) => {
    const before = known.get(file);
    if (before === undefined) return false;
    const now = versionOf(file);
    known.set(file, now);
    return now !== before;
  });
  const watchFolder = (folder: string): void => {
    if (folders.has(folder) || missing.has(folder)) return;
    if (existsSync(folder)) {
      folders.add(folder);
      imported.add(folder);
    } else {
      missing.add(folder);
      watchFolder(dirname(folder));
    }
  };
  imported.on("addDir", (appeared) => {
    for (const folder of [...missing].filter((one) => `${one}${sep}`.startsWith(`${appeared}${sep}`))) {
      missing.delete(folder);
      watchFolder(folder);
    }
  });
  // A build may begin by removing all that the last one has made.
  imported.on("unlinkDir", (gone) => {
    if (folders.delete(gone)) watchFolder(gone);
  });
  const others = extra.map((pattern) => listen(watchPattern(pattern, directory)));

  return {
    ready: Promise.all(others.map((watcher) => new Promise((resolve) => watcher.once("ready", () => resolve(undefined))))).then(
      () => {},
    ),
    add(files) {
      for (const file of files) {
        if (!known.has(file)) known.set(file, versionOf(file));
        watchFolder(dirname(file));
      }
    },
    async close() {
      clearTimeout(timer);
      await Promise.all([imported, ...others].map((watcher) => watcher.close()));
    },
  };
}

/** Changes with the file. */
function versionOf(file: string): string {
  const facts = statSync(file, { throwIfNoEntry: false });
  return facts === undefined ? "" : `${facts.ino} ${facts.size} ${facts.mtimeMs}`;
}

function watchPattern(given: string, directory: string): FSWatcher {
  // What leads to the folder is no pattern, whatever its name.
  const pattern = relative(directory, resolve(directory, given)).replaceAll(sep, "/");
  const { base, isGlob } = picomatch.scan(pattern);
  if (!isGlob) return watch(resolve(directory, pattern), { ignoreInitial: true, ignored: neverWatched });
  const matches = picomatch(pattern, { dot: true });
  const isLeftOut = (path: string, facts?: { isFile(): boolean }): boolean =>
    neverWatched.test(path) || (facts?.isFile() === true && !matches(relative(directory, path).replaceAll(sep, "/")));
  return watch(resolve(directory, base), { ignoreInitial: true, ignored: isLeftOut });
}
