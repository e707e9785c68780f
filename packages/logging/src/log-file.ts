import { checkOptionNames } from "@gateway/core";
import { closeSync, fstatSync, openSync, readSync, statSync, write as writeFile, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BufferedDestination, OverflowOptions } from "./destination.ts";
import { LineBuffer } from "./line-buffer.ts";
import { onExit } from "./on-exit.ts";
import { onSignal } from "./on-signal.ts";
import { Overflow } from "./overflow.ts";

/** Settings of {@link logFile}. */
export interface LogFileOptions extends OverflowOptions {
  /** How much is gathered before it is written, in bytes (default 64 KiB). */
  readonly batchBytes?: number | undefined;
  /** For how long at most a line waits for others, in seconds; 0 writes each at the next turn of the loop (default 1). */
  readonly flushSeconds?: number | undefined;
  /** The permissions of a file that is created, before the umask (default `0o640`: addresses of people are nobody else's business). */
  readonly mode?: number | undefined;
  /** The signal that opens the file anew, for tools that rename it; `"SIGUSR1"` also starts Node's debugger until then (default: none). */
  readonly reopenSignal?: NodeJS.Signals | undefined;
}

/** A log in a file. */
export interface LogFile extends BufferedDestination {
  readonly path: string;
  /**
   * Opens the file of that name anew, for after it was renamed. Lines that were handed to the system stay in the old one, the others go to the new. Where it cannot
   * be opened that is reported, and the old one stays in use.
   */
  reopen(): void;
}

/** What was handed over and is not written yet. */
interface Job {
  readonly file: OpenFile;
  readonly bytes: Buffer;
  sent: number;
  /** How long the file was before, which tells at exit whether the write happened. */
  readonly from: number;
  /** A thread of the system has it now. */
  pending: boolean;
}

interface OpenFile {
  readonly descriptor: number;
  readonly isRegular: boolean;
  readonly canRead: boolean;
}

/** How long a write that failed waits for better times, at least. */
const retryMilliseconds = 1000;
const roomForLastLine = 8192;
const defaultPendingBytes = 16 * 1024 * 1024;

/**
 * Lines into a file. They are gathered, and go out in batches, one write at a time, appended (`O_APPEND`): several processes may write one
 * file, and no line is torn. What is still held when the process exits is written then; a process that is killed, or that does not
 * handle SIGTERM, loses what is not written yet, which is no older than `flushSeconds`.
 *
 * @throws {TypeError} {@link RangeError} for wrong options.
 * @throws what the system says when the file cannot be opened: a wrong path shows at start.
 */
export function logFile(path: string | URL, options: LogFileOptions = {}): LogFile {
  checkOptionNames("logFile", options, {
    batchBytes: true,
    flushSeconds: true,
    mode: true,
    reopenSignal: true,
    maxPendingBytes: true,
    overflow: true,
    onError: true,
  });
  if (typeof path !== "string" && !(path instanceof URL)) throw new TypeError("the path of a log file is a string or a file URL");
  if (path === "") throw new TypeError("the path of a log file is empty");
  return new FileDestination(typeof path === "string" ? path : fileURLToPath(path), options);
}

class FileDestination implements LogFile {
  readonly path: string;
  private readonly overflow: Overflow;
  private readonly batchBytes: number;
  private readonly flushMilliseconds: number;
  private readonly mode: number;
  private file: OpenFile;
  /** The batch that is being gathered. */
  private readonly lines: LineBuffer;
  private job: Job | undefined = undefined;
  private timer: NodeJS.Timeout | undefined = undefined;
  private isClosed = false;
  /** How many batches were begun, and how many of them are written. */
  private begun = 0;
  private written = 0;
  /** Who waits for a flush, and for which batch: what comes later is no concern of theirs. */
  private readonly waiting: { readonly batch: number; readonly resolve: () => void }[] = [];
  private readonly stopHooks: (() => void)[];

  constructor(path: string, options: LogFileOptions) {
    const { batchBytes = 65_536, flushSeconds = 1, mode = 0o640, reopenSignal } = options;
    if (!Number.isSafeInteger(batchBytes) || batchBytes < 1)
      throw new RangeError("batchBytes is a whole number of bytes from 1 on");
    if (!(flushSeconds >= 0 && flushSeconds <= 3600)) throw new RangeError("flushSeconds is a number from 0 to 3600");
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) throw new RangeError("mode is a number from 0 to 0o777");
    this.path = path;
    this.overflow = new Overflow(path, options, defaultPendingBytes);
    this.batchBytes = batchBytes;
    // A batch is full when it has reached its size, so the last line goes over.
    this.lines = new LineBuffer(batchBytes + roomForLastLine);
    this.flushMilliseconds = flushSeconds * 1000;
    this.mode = mode;
    const stopSignal = reopenSignal === undefined ? undefined : onSignal(reopenSignal, () => this.reopen());
    try {
      this.file = open(path, mode);
    } catch (error) {
      stopSignal?.();
      throw error;
    }
    this.stopHooks = [onExit(() => this.writeOutNow()), stopSignal ?? (() => {})];
  }

  get droppedLines(): number {
    return this.overflow.droppedLines;
  }

  write(line: string): void {
    if (this.isClosed) return this.overflow.drop(new Error("lines came after it had been closed"));
    if (!this.overflow.admits(this.pendingBytes + line.length)) return;
    this.lines.append(line);
    // Whoever ends the write that is under way goes on with the rest, and one that failed is tried again when its time has come.
    if (this.job !== undefined) return;
    if (this.lines.length >= this.batchBytes) this.begin();
    else if (this.timer === undefined) this.wait();
  }

  ready(): Promise<void> | undefined {
    return this.overflow.ready(this.pendingBytes);
  }

  flush(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    const batch = this.begun + (this.lines.length > 0 ? 1 : 0);
    const flushed = new Promise<void>((resolve) => {
      this.waiting.push({ batch, resolve });
    });
    this.begin();
    return flushed;
  }

  reopen(): void {
    if (this.isClosed) return;
    const old = this.file;
    try {
      this.file = open(this.path, this.mode);
    } catch (error) {
      return this.overflow.trouble.tell(asError(error));
    }
    // A write that is under way, or that stopped in the middle of a line, is finished where it began.
    if (this.job?.file !== old) closeSync(old.descriptor);
    else if (!this.job.pending && this.job.sent === 0) {
      this.job = { ...this.job, file: this.file, from: sizeOf(this.file) };
      closeSync(old.descriptor);
    }
  }

  async close(): Promise<void> {
    await this.flush();
    if (this.isClosed) return;
    this.isClosed = true;
    this.stopTimer();
    for (const stop of this.stopHooks) stop();
    if (this.job !== undefined) {
      // It could not be written, and nobody will try again.
      const lost = linesIn(this.job.bytes.subarray(this.job.sent)) + linesIn(this.lines.take());
      this.overflow.drop(new Error("it was closed before its lines could be written"), lost);
      if (this.job.file !== this.file) closeSync(this.job.file.descriptor);
    }
    closeSync(this.file.descriptor);
  }

  private get pendingBytes(): number {
    return this.lines.length + (this.job === undefined ? 0 : this.job.bytes.length - this.job.sent);
  }

  private get isIdle(): boolean {
    return this.lines.length === 0 && this.job === undefined;
  }

  /** Begins to write what there is, unless a write is under way: whoever ends that goes on with the rest. */
  private begin(): void {
    if (this.job?.pending === true) return;
    this.stopTimer();
    if (this.job === undefined) {
      if (this.lines.length === 0) return;
      this.job = { file: this.file, bytes: this.lines.take(), sent: 0, from: sizeOf(this.file), pending: false };
      this.begun++;
    }
    const { job } = this;
    // A pipe or a terminal cannot be asked, at exit, what it has got.
    if (!job.file.isRegular) return this.finished(job, ...writeNow(job));
    job.pending = true;
    writeFile(job.file.descriptor, job.bytes, job.sent, null, null, (error, written) => this.finished(job, error, written));
  }

  private finished(job: Job, error: Error | null, written: number): void {
    job.pending = false;
    job.sent += written;
    if (error !== null) {
      this.overflow.trouble.tell(error);
      this.settle(Infinity);
      // Kept, and tried again after a while: a full disk may have room then.
      return this.wait(Math.max(this.flushMilliseconds, retryMilliseconds));
    }
    if (job.sent < job.bytes.length) return this.begin();
    this.overflow.trouble.over();
    this.job = undefined;
    this.written++;
    this.lines.giveBack(job.bytes);
    if (job.file !== this.file) closeSync(job.file.descriptor);
    this.overflow.left(this.pendingBytes);
    this.settle(this.written);
    if (this.lines.length === 0) return;
    if (this.lines.length >= this.batchBytes || this.waiting.length > 0) this.begin();
    else this.wait();
  }

  private settle(batch: number): void {
    for (let first = this.waiting[0]; first !== undefined && first.batch <= batch; first = this.waiting[0]) {
      this.waiting.shift();
      first.resolve();
    }
  }

  /** One timer for a batch; it does not keep the process alive, for at its end everything is written anyway. */
  private wait(milliseconds: number = this.flushMilliseconds): void {
    if (this.timer !== undefined || this.isClosed) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.begin();
    }, milliseconds).unref();
  }

  private stopTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** The process exits: no callback will come any more. */
  private writeOutNow(): void {
    const { job } = this;
    this.job = undefined;
    if (job !== undefined && !(job.pending && hasLanded(job))) this.writeWhole(job);
    if (this.lines.length > 0) this.writeWhole({ file: this.file, bytes: this.lines.take(), sent: 0, from: 0, pending: false });
  }

  private writeWhole(job: Job): void {
    while (job.sent < job.bytes.length) {
      const [error, written] = writeNow(job);
      if (error !== null) return this.overflow.trouble.tell(error);
      job.sent += written;
    }
  }
}

function open(path: string, mode: number): OpenFile {
  const before = statSync(path, { throwIfNoEntry: false });
  if (before !== undefined && !before.isFile()) return { descriptor: openSync(path, "a", mode), isRegular: false, canRead: false };
  try {
    // Readable as well, to see at exit what has been written.
    return { descriptor: openSync(path, "a+", mode), isRegular: true, canRead: true };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EACCES")) throw error;
    return { descriptor: openSync(path, "a", mode), isRegular: true, canRead: false };
  }
}

function sizeOf(file: OpenFile): number {
  return file.isRegular ? fstatSync(file.descriptor).size : 0;
}

function writeNow(job: Job): [error: Error | null, written: number] {
  try {
    return [null, writeSync(job.file.descriptor, job.bytes, job.sent)];
  } catch (error) {
    return [asError(error), 0];
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));
/** How long the exit waits for a write that a thread has, or that waits for one. */
const exitMilliseconds = 5000;

/**
 * Waits until a write that was under way when the process began to exit has reached the file: nobody will be told any more, but the
 * threads go on. Writing it again at once would have it twice, and not writing it would lose it where Node cancels what no thread has
 * begun.
 *
 * @returns `false` when it has not come for so long that it is not to be expected.
 */
function hasLanded(job: Job): boolean {
  const deadline = performance.now() + exitMilliseconds;
  while (!isInFile(job)) {
    if (performance.now() > deadline) return false;
    Atomics.wait(pause, 0, 0, 2);
  }
  return true;
}

function isInFile({ file, bytes, sent, from }: Job): boolean {
  const expected = bytes.subarray(sent);
  const size = sizeOf(file);
  // Somebody may have cut the file meanwhile.
  const start = size < from ? 0 : from;
  if (size - start < expected.length) return false;
  if (!file.canRead) return true;
  const tail = Buffer.alloc(size - start);
  const read = readSync(file.descriptor, tail, 0, tail.length, start);
  return tail.subarray(0, read).includes(expected);
}

function linesIn(bytes: Buffer): number {
  return bytes.toString("latin1").split("\n").length - 1;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
