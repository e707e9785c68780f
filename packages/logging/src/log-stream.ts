import { checkOptionNames } from "@gateway/core";
import type { BufferedDestination, OverflowOptions } from "./destination.ts";
import { onExit } from "./on-exit.ts";
import { Overflow } from "./overflow.ts";

/** What of a writable stream is used: Node's own, `pino.destination()`, or anything that behaves so. */
export interface WritableStreamLike {
  /** `false` means that it has enough until it emits `drain`. */
  write(text: string): unknown;
  on?(event: string, listener: (error: Error) => void): unknown;
  off?(event: string, listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean | undefined;
}

/** Settings of {@link logStream}. */
export interface LogStreamOptions extends OverflowOptions {}

const defaultPendingBytes = 1024 * 1024;

/**
 * Lines into a stream, each at once, as long as the stream takes them: from a `write` that gave `false` until `drain` they wait. The
 * stream is not ended by `close()`, for it was not opened here. An error of it is reported and does not end the process.
 *
 * @throws {TypeError} for what is no stream, or options of the wrong type.
 */
export function logStream(stream: WritableStreamLike, options: LogStreamOptions = {}): BufferedDestination {
  checkOptionNames("logStream", options, { maxPendingBytes: true, overflow: true, onError: true });
  if (typeof stream?.write !== "function") throw new TypeError("a stream has a function write");
  return new StreamDestination(stream, options);
}

class StreamDestination implements BufferedDestination {
  private readonly stream: WritableStreamLike;
  private readonly overflow: Overflow;
  private pending = "";
  private blocked = false;
  private closed: Error | undefined = undefined;
  private readonly waiting: (() => void)[] = [];
  private readonly stopHook: () => void;

  constructor(stream: WritableStreamLike, options: LogStreamOptions) {
    this.stream = stream;
    this.overflow = new Overflow("stream", options, defaultPendingBytes);
    stream.on?.("drain", this.drained);
    stream.on?.("error", this.failed);
    stream.on?.("close", this.ended);
    this.stopHook = onExit(() => this.writeOut());
  }

  get droppedLines(): number {
    return this.overflow.droppedLines;
  }

  write(line: string): void {
    if (this.closed !== undefined) return this.overflow.drop(this.closed);
    if (!this.blocked) return this.hand(line);
    if (this.overflow.admits(this.pending.length + line.length)) this.pending += line;
  }

  ready(): Promise<void> | undefined {
    return this.overflow.ready(this.pending.length);
  }

  flush(): Promise<void> {
    if (!this.blocked) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  async close(): Promise<void> {
    await this.flush();
    this.closed ??= new Error("lines came after it had been closed");
    this.stopHook();
    this.stream.off?.("drain", this.drained);
    this.stream.off?.("error", this.failed);
    this.stream.off?.("close", this.ended);
  }

  private hand(text: string): void {
    try {
      // Only false: what gives nothing back never has enough.
      this.blocked = this.stream.write(text) === false && this.stream.on !== undefined;
    } catch (error) {
      this.failed(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private readonly drained = (): void => {
    this.blocked = false;
    this.overflow.trouble.over();
    this.writeOut();
    if (!this.blocked) this.settle();
  };

  /** It may go on behind an error; where it does not, it closes. */
  private readonly failed = (error: Error): void => {
    this.overflow.trouble.tell(error);
  };

  private readonly ended = (): void => {
    this.closed = new Error("the stream was closed: lines are dropped");
    if (this.pending !== "") this.overflow.drop(this.closed, this.pending.split("\n").length - 1);
    this.pending = "";
    this.blocked = false;
    this.settle();
  };

  private writeOut(): void {
    const { pending } = this;
    if (pending === "") return;
    this.pending = "";
    this.hand(pending);
  }

  private settle(): void {
    this.overflow.left(this.pending.length);
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
