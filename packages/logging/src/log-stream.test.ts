import { EventEmitter } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, it, vi } from "vitest";
import { logStream, type LogStreamOptions } from "./log-stream.ts";

/** A stream that has enough until it is told otherwise. */
class Slow extends EventEmitter {
  written = "";
  full = false;

  write(text: string): boolean {
    this.written += text;
    return !this.full;
  }

  drain(): void {
    this.full = false;
    this.emit("drain");
  }
}

describe("logStream", () => {
  it("writes each line at once while the stream takes them", () => {
    const stream = new Slow();
    const log = logStream(stream);
    log.write("one\n");
    expect(stream.written).toBe("one\n");
    log.write("two\n");
    expect(stream.written).toBe("one\ntwo\n");
  });

  it("holds lines back until drain, and hands them over as one", async () => {
    const stream = new Slow();
    const write = vi.spyOn(stream, "write");
    const log = logStream(stream);
    stream.full = true;
    log.write("one\n");
    log.write("two\n");
    log.write("three\n");
    const flushed = log.flush();
    expect(stream.written).toBe("one\n");
    stream.drain();
    await flushed;
    expect(write.mock.calls).toEqual([["one\n"], ["two\nthree\n"]]);
    stream.drain();
    expect(write).toHaveBeenCalledTimes(2);
  });

  it("drops and counts what is too much, and says so once until the stream drains", () => {
    const stream = new Slow();
    const onError = vi.fn<(error: Error) => void>();
    const log = logStream(stream, { maxPendingBytes: 8, onError });
    for (let round = 1; round <= 2; round++) {
      stream.full = true;
      for (const line of ["0\n", "123\n", "456\n", "7\n", "8\n"]) log.write(line);
      expect(log.droppedLines).toBe(2 * round);
      expect(onError).toHaveBeenCalledTimes(round);
      expect(log.ready()).toBeUndefined();
      stream.drain();
    }
    expect(stream.written).toBe("0\n123\n456\n".repeat(2));
    expect(onError.mock.calls[0]?.[0]).toMatchObject({ message: "more than 8 bytes are waiting to be written: lines are dropped" });
  });

  it("lets requests wait instead, and drops nothing", async () => {
    const stream = new Slow();
    const log = logStream(stream, { maxPendingBytes: 4, overflow: "wait" });
    stream.full = true;
    for (const line of ["0\n", "123\n"]) log.write(line);
    expect(log.ready()).toBeUndefined();
    log.write("456\n");
    const room = log.ready();
    expect(room).toBeInstanceOf(Promise);
    stream.drain();
    await room;
    expect([log.ready(), log.droppedLines, stream.written]).toEqual([undefined, 0, "0\n123\n456\n"]);
  });

  it("survives a stream that fails or closes: it is told once, and lines are counted", async () => {
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error("EPIPE"), { code: "EPIPE" }));
      },
    });
    const onError = vi.fn<(error: Error) => void>();
    const log = logStream(stream, { overflow: "wait", maxPendingBytes: 1, onError });
    log.write("one\n");
    await new Promise((resolve) => stream.once("close", resolve));
    log.write("two\n");
    expect(onError.mock.calls).toEqual([[expect.objectContaining({ code: "EPIPE" })]]);
    expect([log.droppedLines, log.ready()]).toEqual([1, undefined]);
    await log.close();
  });

  it("lets go of who waits, and counts what was held, when the stream closes", async () => {
    const stream = new Slow();
    const log = logStream(stream, { overflow: "wait", maxPendingBytes: 1, onError: () => {} });
    stream.full = true;
    for (const line of ["one\n", "two\n", "three\n"]) log.write(line);
    const [room, flushed] = [log.ready(), log.flush()];
    stream.emit("close");
    await Promise.all([room, flushed]);
    expect([log.droppedLines, log.ready()]).toEqual([2, undefined]);
  });

  it("survives a write that throws", () => {
    const onError = vi.fn<(error: Error) => void>();
    const log = logStream(
      {
        write() {
          throw new Error("no");
        },
      },
      { onError },
    );
    log.write("one\n");
    log.write("two\n");
    expect(onError).toHaveBeenCalledOnce();
  });

  it("lets go of a stream that is not its own when it is closed", async () => {
    const stream = new PassThrough();
    const before = stream.eventNames().map((name) => [name, stream.listenerCount(name)]);
    const log = logStream(stream, { onError: () => {} });
    log.write("one\n");
    await log.close();
    log.write("two\n");
    expect(stream.eventNames().map((name) => [name, stream.listenerCount(name)])).toEqual(before);
    expect([String(stream.read()), stream.writableEnded, log.droppedLines]).toEqual(["one\n", false, 1]);
  });

  it("hands over what it holds when the process exits", () => {
    const stream = new Slow();
    const log = logStream(stream);
    stream.full = true;
    log.write("one\n");
    log.write("two\n");
    for (const listener of process.listeners("exit").slice(-1)) listener(0);
    expect(stream.written).toBe("one\ntwo\n");
  });

  it.each<[LogStreamOptions, string]>([
    [{ maxPendingBytes: -1 }, "maxPendingBytes"],
    [{ overflow: "x" as "drop" }, 'overflow is "drop" or "wait"'],
  ])("refuses %o", (options, message) => {
    expect(() => logStream(new Slow(), options)).toThrow(message);
  });

  it("refuses what is no stream", () => {
    expect(() => logStream({} as Slow)).toThrow("a stream has a function write");
    expect(() => logStream(undefined as unknown as Slow)).toThrow("a stream has a function write");
  });
});
