import { relative } from "node:path";
import { moduleFiles } from "../load-module.ts";
import type { ErrorLog } from "../logs/error-log.ts";
import type { Companion } from "../manager/manager.ts";
import { parseTarget } from "../target.ts";
import { watchFiles, type FileWatch, type WatchOptions } from "./watch-files.ts";

/** Settings of {@link reloadCompanion}. */
export interface ReloadOptions extends Pick<WatchOptions, "extra" | "directory" | "quietMilliseconds"> {
  /** The application, whose module is watched also where it is not there yet. */
  readonly target: string;
  readonly log: Pick<ErrorLog, "info" | "warning">;
}

/**
 * For `--reload`: asks the manager for a reload whenever a file changes that the application has imported. What fails to boot leaves the old workers serving, and is watched too.
 *
 * @throws {StartError} for a target that names nothing: no change of a file would mend that.
 */
export function reloadCompanion({ target, log, directory = process.cwd(), ...options }: ReloadOptions): Companion {
  const own = moduleFiles(parseTarget(target).module, directory);
  let files: FileWatch | undefined;
  let stopListening = (): void => {};
  let isStopped = false;

  return {
    async start(manager) {
      let isReloading = false;
      let again = false;
      const reload = async (): Promise<void> => {
        // One that is under way may have read some files before and some after they changed.
        again = isReloading;
        if (isReloading) return;
        isReloading = true;
        // Whoever asked is told by the log of the manager.
        await manager.reload();
        isReloading = false;
        if (again && !isStopped) await reload();
      };
      files = watchFiles({
        ...options,
        directory,
        onChange(changed) {
          log.info(`reload: ${shown(changed, directory)} changed`);
          void reload();
        },
        onError: ({ message }) => log.warning(`--reload cannot watch: ${message}`),
      });
      files.add(own);
      stopListening = manager.onImported((more) => files?.add(more));
      await files.ready;
    },
    async stop() {
      isStopped = true;
      stopListening();
      await files?.close();
    },
  };
}

function shown(files: readonly string[], directory: string): string {
  const [first = "", ...more] = files.map((file) => relative(directory, file));
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}
