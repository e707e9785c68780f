import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { complainOf, type Log, type OpenLogOptions } from "./log.ts";

/** What the system writes to a pipe in one piece, whoever else writes there (POSIX, PIPE_BUF; Linux and most others: 4096). */
const pieceBytes = 4096;
const defaultPendingBytes = 1024 * 1024;
/** How long a full pipe is left alone, at first and at most. */
const shortestPause = 1;
const longestPause = 50;
/** After another error, such as a full disk. */
const troublePause = 1000;
/** How long the exit of the process waits for a reader that does not read. */
const exitMilliseconds = 1000;

/** Nobody will ever read it. */
const gone: ReadonlySet<unknown> = new Set(["EPIPE", "EIO", "ECONNRESET", "EBADF", "ENXIO"]);

/** A log in a terminal, a pipe, a socket or a device. */
export class DeviceLog implements Log {
  readonly target: string;
  droppedLines = 0;
  readonly #device: number | string;
  readonly #maxPendingBytes: number;
  readonly #onError: (error: Error) => void;
  readonly #exit = (): void => this.#writeAtExit();
  #descriptor: number;
  /** Was the descriptor opened here? */
  #isOwn: boolean;
  #entries: string[] = [];
  #pendingBytes = 0;
  /** What is left of a piece that was taken in part: nothing else may come before it. */
  #rest: Buffer | undefined = undefined;
  #immediate: NodeJS.Immediate | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #pause = shortestPause;
  #isGone = false;
  #isTold = false;
  #flushed: (() => void)[] = [];

  constructor(target: string, device: number | string, options: OpenLogOptions) {
    this.target = target;
    this.#device = device;
    this.#maxPendingBytes = options.maxPendingBytes ?? defaultPendingBytes;
    this.#onError = options.onError ?? complainOf(target);
    [this.#descriptor, this.#isOwn] = open(device);
    process.on("exit", this.#exit);
  }

  write(entry: string): void {
    if (this.#isGone) return this.#drop(1);
    if (this.#pendingBytes + entry.length > this.#maxPendingBytes) {
      this.#drop(1);
      return this.#tell(new Error(`more than ${this.#maxPendingBytes} bytes are waiting to be written: lines are dropped`));
    }
    this.#entries.push(entry);
    this.#pendingBytes += entry.length;
    if (this.#timer === undefined) this.#immediate ??= setImmediate(() => this.#writeOut());
  }

  reopen(): Promise<void> {
    if (typeof this.#device === "number") return Promise.resolve();
    const old = this.#descriptor;
    try {
      [this.#descriptor, this.#isOwn] = open(this.#device);
    } catch (error) {
      this.#tell(asError(error));
      return Promise.resolve();
    }
    closeSync(old);
    this.#isGone = false;
    return this.flush();
  }

  flush(): Promise<void> {
    this.#writeOut();
    if (this.#pendingBytes === 0) return Promise.resolve();
    // Somebody waits for it, so the process does.
    this.#timer?.ref();
    return new Promise((resolve) => {
      this.#flushed.push(resolve);
    });
  }

  async close(): Promise<void> {
    await this.flush();
    this.#isGone = true;
    process.off("exit", this.#exit);
    if (this.#isOwn) closeSync(this.#descriptor);
    this.#isOwn = false;
  }

  /** Writes what there is, as long as it is taken. */
  #writeOut(): void {
    clearImmediate(this.#immediate);
    clearTimeout(this.#timer);
    this.#immediate = undefined;
    this.#timer = undefined;
    const before = this.#pendingBytes;
    const error = this.#writeWhile();
    // Somebody reads.
    if (this.#pendingBytes < before) this.#pause = shortestPause;
    if (error === undefined) {
      this.#isTold = false;
    } else if (error.code === "EAGAIN") {
      this.#retryAfter(this.#pause);
      this.#pause = Math.min(this.#pause * 2, longestPause);
      return;
    } else if (gone.has(error.code)) {
      this.#isGone = true;
      this.#drop(this.#entries.length + (this.#rest === undefined ? 0 : 1));
      this.#entries = [];
      this.#rest = undefined;
      this.#pendingBytes = 0;
      this.#tell(error);
    } else {
      this.#tell(error);
      this.#retryAfter(troublePause);
    }
    // Also when it failed: who waits for a full disk waits for ever.
    for (const resolve of this.#flushed.splice(0)) resolve();
  }

  #retryAfter(milliseconds: number): void {
    this.#timer = setTimeout(() => this.#writeOut(), milliseconds);
    if (this.#flushed.length === 0) this.#timer.unref();
  }

  #writeWhile(): NodeJS.ErrnoException | undefined {
    for (;;) {
      const piece = this.#rest ?? this.#nextPiece();
      if (piece === undefined) return undefined;
      this.#rest = piece;
      try {
        const written = writeSync(this.#descriptor, piece);
        this.#pendingBytes -= written;
        this.#rest = written < piece.length ? piece.subarray(written) : undefined;
      } catch (error) {
        return asError(error);
      }
    }
  }

  /** As many entries as fit into one piece; a longer one alone. */
  #nextPiece(): Buffer | undefined {
    const [first] = this.#entries;
    if (first === undefined) return undefined;
    let count = 0;
    let length = 0;
    for (const entry of this.#entries) {
      if (count > 0 && length + entry.length > pieceBytes) break;
      length += entry.length;
      count++;
    }
    return Buffer.from(this.#entries.splice(0, count).join(""), "latin1");
  }

  #drop(lines: number): void {
    this.droppedLines += lines;
  }

  #tell(error: Error): void {
    if (this.#isTold) return;
    this.#isTold = true;
    this.#onError(error);
  }

  #writeAtExit(): void {
    const deadline = performance.now() + exitMilliseconds;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    while (!this.#isGone && this.#writeWhile()?.code === "EAGAIN" && performance.now() < deadline)
      Atomics.wait(pause, 0, 0, shortestPause);
  }
}

/**
 * Opens a device so that writing to it never waits. A descriptor that was inherited is opened a second time, because it belongs to other processes
 * too, and what is set on it would be set for them.
 */
function open(device: number | string): [descriptor: number, isOwn: boolean] {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY;
  if (typeof device === "string") return [openSync(device, flags), true];
  const facts = fstatSync(device);
  if (process.platform === "linux" && (facts.isFIFO() || facts.isCharacterDevice())) {
    try {
      return [openSync(`/proc/self/fd/${device}`, flags), true];
    } catch {
      // Of another user, who started this: then it waits, as everything does that writes there.
    }
  }
  return [device, false];
}

function asError(error: unknown): NodeJS.ErrnoException {
  return error instanceof Error ? error : new Error(String(error));
}
