import type { OverflowOptions } from "./destination.ts";
import { reporter, type Reporter } from "./reporter.ts";

/** How much waits, and what happens when it is too much. */
export class Overflow {
  droppedLines = 0;
  /** Tells of trouble, once until it is over. */
  readonly trouble: Reporter;
  private readonly maxPendingBytes: number;
  private readonly waits: boolean;
  private room: { readonly promise: Promise<void>; readonly open: () => void } | undefined = undefined;

  /** @throws {TypeError} for options of the wrong type. @throws {RangeError} for a size that is none. */
  constructor(name: string, options: OverflowOptions, defaultPendingBytes: number) {
    const { maxPendingBytes = defaultPendingBytes, overflow = "drop", onError } = options;
    if (!Number.isSafeInteger(maxPendingBytes) || maxPendingBytes < 1)
      throw new RangeError("maxPendingBytes is a whole number of bytes from 1 on");
    if (overflow !== "drop" && overflow !== "wait") throw new TypeError('overflow is "drop" or "wait"');
    if (onError !== undefined && typeof onError !== "function") throw new TypeError("onError is a function");
    this.maxPendingBytes = maxPendingBytes;
    this.waits = overflow === "wait";
    this.trouble = reporter(name, onError);
  }

  /** May a line be kept that makes so many bytes wait? Counts it where not. */
  admits(pendingBytes: number): boolean {
    if (pendingBytes <= this.maxPendingBytes || this.waits) return true;
    this.drop(new Error(`more than ${this.maxPendingBytes} bytes are waiting to be written: lines are dropped`));
    return false;
  }

  drop(why: Error, lines = 1): void {
    this.droppedLines += lines;
    this.trouble.tell(why);
  }

  /** What a new request waits for. */
  ready(pendingBytes: number): Promise<void> | undefined {
    if (!this.waits || pendingBytes <= this.maxPendingBytes) return undefined;
    if (this.room === undefined) {
      let open = (): void => {};
      const promise = new Promise<void>((resolve) => {
        open = resolve;
      });
      this.room = { promise, open };
    }
    return this.room.promise;
  }

  /** So many bytes wait now: lets go of who waits for room, where there is some. */
  left(pendingBytes: number): void {
    if (this.room === undefined || pendingBytes > this.maxPendingBytes) return;
    const { open } = this.room;
    this.room = undefined;
    open();
  }
}
