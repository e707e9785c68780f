/** A log that is open. */
export interface Log {
  /** The path, or `-`. */
  readonly target: string;
  /** How many lines were dropped, because more waited than may, or because nobody reads any more. */
  readonly droppedLines: number;
  /** Takes an entry of printable ASCII, line ends included: one write is one piece, whoever else writes there. Never throws, never waits. */
  write(entry: string): void;
  /**
   * Opens the path anew, for after it was renamed. When it resolves, nothing is written to the old file any more. Where the path cannot be
   * opened that is reported and the old file stays in use. Does nothing for `-`.
   */
  reopen(): Promise<void>;
  /** Resolves when what was taken has been written, or could not be. Never rejects. */
  flush(): Promise<void>;
  /** Flushes, and lets go of what it opened. Entries that come later are dropped. */
  close(): Promise<void>;
}

/** Settings of `openLog`. */
export interface OpenLogOptions {
  /** The permissions of a file that is created, before the umask (default `0o640`). */
  readonly mode?: number | undefined;
  /** Who shall own the file, for a parent that gives its rights up later (default: who makes it). */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** The descriptor that `-` means (default 1, the standard output). */
  readonly descriptor?: number | undefined;
  /** How much may wait to be written, in bytes (default 16 MiB for a file, 1 MiB for anything else). Beyond that new entries are dropped and counted. */
  readonly maxPendingBytes?: number | undefined;
  /** Is told of trouble once, until it is over (default: a line on standard error). It must not write to this very log. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** What tells of trouble with a log where nobody else does. */
export function complainOf(target: string): (error: Error) => void {
  return (error) => {
    process.stderr.write(`gateway: log ${target}: ${error.message.replaceAll(/[^ -~]+/g, " ")}\n`);
  };
}
