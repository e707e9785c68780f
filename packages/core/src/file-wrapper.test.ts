import { describe, expect, it, vi } from "vitest";
import type { FileLike } from "./contract.ts";
import { FileWrapper } from "./file-wrapper.ts";

/** A file in memory that notes how it was used. */
class MemoryFile implements FileLike {
  readonly sizes: number[] = [];
  closed = 0;
  #rest: Uint8Array;

  constructor(text: string) {
    this.#rest = Buffer.from(text);
  }

  read(size: number): Uint8Array {
    this.sizes.push(size);
    const block = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return block;
  }

  close(): void {
    this.closed++;
  }
}

async function texts(body: AsyncIterable<Uint8Array>): Promise<string[]> {
  const list: string[] = [];
  for await (const block of body) list.push(Buffer.from(block).toString());
  return list;
}

describe("FileWrapper", () => {
  it("reads block by block until an empty one", async () => {
    const file = new MemoryFile("abcde");
    expect(await texts(new FileWrapper(file, 2))).toEqual(["ab", "cd", "e"]);
    expect(file.sizes).toEqual([2, 2, 2, 2]);
  });

  it("asks for 65536 bytes unless told otherwise", async () => {
    const file = new MemoryFile("");
    const body = new FileWrapper(file);
    expect(body.blockSize).toBe(65_536);
    expect(await texts(body)).toEqual([]);
    expect(file.sizes).toEqual([65_536]);
  });

  it("reads files that give promises", async () => {
    const file = new MemoryFile("abc");
    expect(await texts(new FileWrapper({ read: async (size) => file.read(size) }, 2))).toEqual(["ab", "c"]);
  });

  it("does not read before it is asked", async () => {
    const file = new MemoryFile("abc");
    const blocks = new FileWrapper(file, 1)[Symbol.asyncIterator]();
    expect(file.sizes).toEqual([]);
    await blocks.next();
    expect(file.sizes).toEqual([1]);
  });

  it("passes on what a read threw", async () => {
    const broken = new Error("disk");
    await expect(texts(new FileWrapper({ read: () => Promise.reject(broken) }))).rejects.toBe(broken);
  });

  it("closes the file once", async () => {
    const file = new MemoryFile("");
    const body = new FileWrapper(file);
    expect(body.close()).toBeUndefined();
    await body.close();
    expect(file.closed).toBe(1);
  });

  it("gives every caller of close the promise of the first", async () => {
    const closing = Promise.resolve();
    const close = vi.fn<() => Promise<void>>(() => closing);
    const body = new FileWrapper({ read: () => new Uint8Array(0), close });
    expect(body.close()).toBe(closing);
    expect(body.close()).toBe(closing);
    expect(close).toHaveBeenCalledTimes(1);
    expect(close.mock.contexts[0]).toBe(body.file);
  });

  it("closes what cannot be closed without a word", () => {
    expect(new FileWrapper({ read: () => new Uint8Array(0) }).close()).toBeUndefined();
  });

  it("does not close the file when iteration ends or stops", async () => {
    const file = new MemoryFile("abc");
    const body = new FileWrapper(file, 1);
    for await (const block of body) if (block.length > 0) break;
    expect(file.closed).toBe(0);
    await texts(body);
    expect(file.closed).toBe(0);
  });

  it("gives nothing more once closed", async () => {
    const file = new MemoryFile("abc");
    const body = new FileWrapper(file, 1);
    const blocks = body[Symbol.asyncIterator]();
    await blocks.next();
    await body.close();
    expect(await blocks.next()).toEqual({ done: true, value: undefined });
    expect(await texts(body)).toEqual([]);
    expect(file.sizes).toEqual([1]);
  });

  it.each(["resolves", "rejects"])("closes the file after the read that is under way %s", async (how) => {
    const broken = new Error("disk");
    let settle = (): void => {};
    const promise = new Promise<Uint8Array>((resolve, reject) => {
      settle = () => (how === "resolves" ? resolve(Buffer.from("late")) : reject(broken));
    });
    const close = vi.fn<() => void>();
    const body = new FileWrapper({ read: () => promise, close });
    const next = body[Symbol.asyncIterator]().next();
    const outcome = next.catch((error: unknown) => error);
    const closing = body.close();
    await Promise.resolve();
    expect(close).not.toHaveBeenCalled();
    settle();
    await closing;
    expect(close).toHaveBeenCalledTimes(1);
    expect(await outcome).toEqual(how === "resolves" ? { done: true, value: undefined } : broken);
  });

  it.each([0, -1, 1.5, NaN, Infinity, 2 ** 53])("refuses the block size %d", (size) => {
    expect(() => new FileWrapper(new MemoryFile(""), size)).toThrow(RangeError);
  });

  it.each([
    [null, "null"],
    [undefined, "undefined"],
    [{}, "a plain object"],
    [{ read: 1 }, "a plain object"],
    ["path", 'the string "path"'],
  ])("refuses %j, which has no read function", (file, name) => {
    expect(() => new FileWrapper(file as never)).toThrow(new TypeError(`FileWrapper: a file has a read function, unlike ${name}`));
  });

  it("refuses what is not bytes, like the null of a stream", async () => {
    await expect(texts(new FileWrapper({ read: () => null as never }))).rejects.toThrow(TypeError);
    await expect(texts(new FileWrapper({ read: () => "text" as never }))).rejects.toThrow(TypeError);
  });
});
