/** Where lines go. Made by `logFile` and `logStream`, or by anybody: only `write` is needed. */
export interface LogDestination {
  /** Takes one line of ASCII, with its line end. Never throws and never waits. */
  write(line: string): void;
  /**
   * What a new request must wait for before it is worked on, so that its line will have room; `undefined` when there is room. Without
   * it requests never wait.
   */
  ready?(): Promise<void> | undefined;
}

/** A destination that holds lines back. */
export interface BufferedDestination extends LogDestination {
  ready(): Promise<void> | undefined;
  /** How many lines were dropped: for want of room, or after `close()`. */
  readonly droppedLines: number;
  /** Resolves when all lines that were taken have been handed to the system, or could not be. Never rejects. */
  flush(): Promise<void>;
  /** Flushes, and lets go of what it holds. Lines that come later are dropped. */
  close(): Promise<void>;
}

/** What happens when lines come faster than they can be written, or cannot be written at all. */
export interface OverflowOptions {
  /** How much may wait to be written, in bytes (default 16 MiB for a file, 1 MiB for a stream). */
  readonly maxPendingBytes?: number | undefined;
  /**
   * What happens beyond that. `"drop"` drops new lines and counts them: the service is worth more than its log. `"wait"` lets new requests
   * wait until there is room, and drops nothing: the log is worth more than the service. Requests under way still write their lines (default
   * `"drop"`).
   */
  readonly overflow?: "drop" | "wait" | undefined;
  /**
   * Is told what went wrong, once until it goes well again (default: a line on standard error). Trouble with a log never reaches a request.
   */
  readonly onError?: ((error: Error) => void) | undefined;
}
