import { describe, expect, it } from "vitest";
import type { InputStream } from "./contract.ts";
import { HTTPError } from "./http-error.ts";
import { emptyInput, inputStream, type ChunkSource, type InputStreamOptions } from "./input-stream.ts";
import { bytesOf, ListSource, show } from "./test-source.ts";

const streamOf = (chunks: string[], options?: InputStreamOptions): InputStream =>
  inputStream(new ListSource(chunks.map(bytesOf)), options);

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => `resolved: ${String(value)}`,
    (error: unknown) => error,
  );
}

describe("inputStream", () => {
  describe("read", () => {
    it("gives exactly what was asked for, less only at the end", async () => {
      const input = streamOf(["ab", "c", "defg"]);
      expect(show(await input.read(4))).toBe("abcd");
      expect(show(await input.read(4))).toBe("efg");
      expect(show(await input.read(4))).toBe("");
    });

    it.each([undefined, -1, Number.MIN_SAFE_INTEGER])("gives all the rest for %j", async (size) => {
      const input = streamOf(["ab", "c", "defg"]);
      await input.read(1);
      expect(show(await input.read(size))).toBe("bcdefg");
      expect(show(await input.read(size))).toBe("");
    });

    it.each([0, -0])("gives nothing for %j, and does not touch the source", async (size) => {
      const source = new ListSource([bytesOf("a")]);
      expect(await inputStream(source).read(size)).toEqual(new Uint8Array(0));
      expect(source.pulls).toBe(0);
    });

    it("pulls no more than it needs", async () => {
      const source = new ListSource(["ab", "cd", "ef"].map(bytesOf));
      const input = inputStream(source);
      await input.read(2);
      expect(source.pulls).toBe(1);
      await input.read(1);
      expect(source.pulls).toBe(2);
      await input.read(1);
      expect(source.pulls).toBe(2);
    });

    it("allocates what there is, not what was asked for", async () => {
      expect(show(await streamOf(["ab", "c"]).read(Number.MAX_SAFE_INTEGER))).toBe("abc");
    });

    it("gives a view of the chunk where it can", async () => {
      const chunk = bytesOf("abcdef");
      const input = inputStream(new ListSource([chunk, bytesOf("g")]));
      expect((await input.read(2)).buffer).toBe(chunk.buffer);
      expect((await input.read(4)).buffer).toBe(chunk.buffer);
      const whole = bytesOf("xyz");
      expect(await inputStream(new ListSource([whole])).read()).toBe(whole);
    });

    it("never writes again what it gave", async () => {
      const input = streamOf(Array.from("abcdefgh"));
      const first = await input.read(3);
      const second = await input.read(3);
      await input.read();
      expect([show(first), show(second)]).toEqual(["abc", "def"]);
    });
  });

  describe("readline", () => {
    it("keeps the line end, and gives a last line without one", async () => {
      const input = streamOf(["a\nb", "\r\n", "\n", "c"]);
      const lines = [
        await input.readline(),
        await input.readline(),
        await input.readline(),
        await input.readline(),
        await input.readline(),
      ];
      expect(lines.map((line) => show(line))).toEqual(["a\n", "b\r\n", "\n", "c", ""]);
    });

    it("stops at the limit, and goes on from there", async () => {
      const input = streamOf(["abc", "de\nf"]);
      expect(show(await input.readline(4))).toBe("abcd");
      expect(show(await input.readline(2))).toBe("e\n");
      expect(show(await input.readline(1))).toBe("f");
      expect(show(await input.readline(-1))).toBe("");
    });

    it("gives nothing for a limit of 0, and does not touch the source", async () => {
      const source = new ListSource([bytesOf("a")]);
      expect(await inputStream(source).readline(0)).toEqual(new Uint8Array(0));
      expect(source.pulls).toBe(0);
    });

    it("pulls no further than the line", async () => {
      const source = new ListSource(["a", "b\n", "c"].map(bytesOf));
      await inputStream(source).readline();
      expect(source.pulls).toBe(2);
    });

    it("finds line ends far into a chunk", async () => {
      const input = streamOf([`${"x".repeat(1000)}\n${"y".repeat(100)}`, `${"y".repeat(100)}\nz`]);
      expect(show(await input.readline())).toBe(`${"x".repeat(1000)}\n`);
      expect(show(await input.readline())).toBe(`${"y".repeat(200)}\n`);
      expect(show(await input.readline())).toBe("z");
    });
  });

  describe("readlines", () => {
    it("gives all the lines", async () => {
      expect((await streamOf(["a\nb", "b\n\nc"]).readlines()).map((line) => show(line))).toEqual(["a\n", "bb\n", "\n", "c"]);
    });

    it("gives no line at the end", async () => {
      expect(await streamOf([]).readlines()).toEqual([]);
      expect(await streamOf([]).readlines(5)).toEqual([]);
    });

    it("stops after the line that reaches the hint", async () => {
      const input = streamOf(["a\nbb\nccc\n"]);
      expect((await input.readlines(3)).map((line) => show(line))).toEqual(["a\n", "bb\n"]);
      expect((await input.readlines(1)).map((line) => show(line))).toEqual(["ccc\n"]);
    });

    it.each([0, -1, undefined])("gives all the lines for the hint %j", async (hint) => {
      expect(await streamOf(["a\nb\n"]).readlines(hint)).toHaveLength(2);
    });

    it("gives a last line that is longer than what is left of the hint", async () => {
      expect((await streamOf(["a\nbcdef"]).readlines(4)).map((line) => show(line))).toEqual(["a\n", "bcdef"]);
    });

    it("leaves the lines it found unread when the source fails", async () => {
      const input = inputStream(new ListSource([bytesOf("a\nb\nc")], { failure: new Error("cut short") }));
      await expect(input.readlines()).rejects.toThrow("cut short");
      expect(show(await input.readline())).toBe("a\n");
      expect((await input.readlines(2)).map((line) => show(line))).toEqual(["b\n"]);
    });

    it("refuses more than a million lines, which would fill the memory", async () => {
      const lines = new Uint8Array(1_000_001).fill(10);
      expect(await inputStream(new ListSource([lines.subarray(1)])).readlines()).toHaveLength(1_000_000);
      expect(await failureOf(inputStream(new ListSource([lines])).readlines())).toMatchObject({ status: "413 Content Too Large" });
    });
  });

  describe("iteration", () => {
    it("gives the chunks as they arrive, the same arrays, and no empty one", async () => {
      const chunks = ["ab", "", "c"].map(bytesOf);
      const got: Uint8Array[] = [];
      for await (const chunk of inputStream(new ListSource(chunks, { later: (pull) => pull === 1 }))) got.push(chunk);
      expect(got).toHaveLength(2);
      expect(got[0]).toBe(chunks[0]);
      expect(got[1]).toBe(chunks[2]);
    });

    it("begins with what a read left", async () => {
      const input = streamOf(["abc", "d"]);
      await input.read(1);
      const got: string[] = [];
      for await (const chunk of input) got.push(show(chunk));
      expect(got).toEqual(["bc", "d"]);
    });

    it("loses nothing when a loop is left", async () => {
      const input = streamOf(["a", "b", "c"]);
      for await (const chunk of input) {
        expect(show(chunk)).toBe("a");
        break;
      }
      expect(show(await input.read())).toBe("bc");
      for await (const chunk of input) expect(chunk).toBeUndefined();
    });

    it("has no limit", async () => {
      let size = 0;
      for await (const chunk of streamOf(["abcdef", "ghi"], { maxReadBytes: 1 })) size += chunk.length;
      expect(size).toBe(9);
    });

    it("gives what is buffered, then throws what the source threw, each time", async () => {
      const broken = new Error("cut short");
      const input = inputStream(new ListSource(["ab", "c"].map(bytesOf), { failure: broken }));
      await input.read(1);
      let got = "";
      const loop = async (): Promise<void> => {
        for await (const chunk of input) got += show(chunk);
      };
      expect(await failureOf(loop())).toBe(broken);
      expect(got).toBe("bc");
      expect(await failureOf(loop())).toBe(broken);
    });
  });

  describe("at the end", () => {
    it("never pulls again", async () => {
      const source = new ListSource([]);
      const input = inputStream(source);
      for (let i = 0; i < 3; i++) {
        expect(await input.read()).toHaveLength(0);
        expect(await input.read(5)).toHaveLength(0);
        expect(await input.readline()).toHaveLength(0);
        expect(await input.readlines()).toEqual([]);
        for await (const chunk of input) expect(chunk).toBeUndefined();
      }
      expect(source.pulls).toBe(1);
    });
  });

  describe("when the source fails", () => {
    it.each([
      ["throws", false],
      ["rejects", true],
    ])("gives no part for the whole, but what was complete before it %s", async (_, later) => {
      const broken = new Error("cut short");
      const source = new ListSource([bytesOf("a\nbcd")], { failure: broken, later: () => later });
      const input = inputStream(source);
      expect(await failureOf(input.read())).toBe(broken);
      expect(await failureOf(input.read(6))).toBe(broken);
      expect(show(await input.readline())).toBe("a\n");
      expect(await failureOf(input.readline())).toBe(broken);
      expect(await failureOf(input.readlines())).toBe(broken);
      expect(show(await input.readline(2))).toBe("bc");
      expect(show(await input.read(1))).toBe("d");
      expect(show(await input.read(0))).toBe("");
      expect(await failureOf(input.read(1))).toBe(broken);
      expect(source.pulls).toBe(2);
    });

    it("keeps a failure that is undefined", async () => {
      let pulls = 0;
      const source: ChunkSource = {
        pull: () => {
          pulls++;
          return Promise.reject(undefined);
        },
      };
      const input = inputStream(source);
      expect(await failureOf(input.read())).toBeUndefined();
      expect(await failureOf(input.read())).toBeUndefined();
      expect(pulls).toBe(1);
    });

    it("treats what is not bytes as a failure", async () => {
      const input = inputStream({ pull: () => "text" as never });
      await expect(input.read()).rejects.toThrow(
        new TypeError('wsgi.input: a source gives Uint8Array or undefined, not the string "text"'),
      );
      await expect(input.read()).rejects.toThrow(TypeError);
      await expect(inputStream({ pull: async () => null as never }).read()).rejects.toThrow("not null");
    });
  });

  describe("maxReadBytes", () => {
    const reads: [string, (input: InputStream) => Promise<unknown>][] = [
      ["read()", (input) => input.read()],
      ["readline()", (input) => input.readline()],
      ["readlines()", (input) => input.readlines()],
      ["readlines(100)", (input) => input.readlines(100)],
    ];

    it.each(reads)("refuses more to %s, and then everything", async (_, read) => {
      for (const chunks of [["abcdef"], Array.from("abcdef"), ["abcdef\n"]]) {
        const input = streamOf(chunks, { maxReadBytes: 5 });
        const error = await failureOf(read(input));
        expect(error).toBeInstanceOf(HTTPError);
        expect(error).toMatchObject({ status: "413 Content Too Large", message: expect.stringContaining("5 bytes") });
        for (const again of [input.read(), input.read(1), input.read(0), input.readline(), input.readline(1), input.readlines()]) {
          expect(await failureOf(again)).toBe(error);
        }
        expect(await failureOf(input[Symbol.asyncIterator]().next())).toBe(error);
      }
    });

    it.each(reads)("lets %s have as much", async (_, read) => {
      await expect(read(streamOf(Array.from("abcde"), { maxReadBytes: 5 }))).resolves.toHaveProperty("length");
      await expect(read(streamOf(["abcd\n"], { maxReadBytes: 5 }))).resolves.toHaveProperty("length");
      await expect(read(streamOf([], { maxReadBytes: 0 }))).resolves.toHaveLength(0);
    });

    it("does not count what a read of a given size takes", async () => {
      expect(await streamOf(["abcdef"], { maxReadBytes: 2 }).read(6)).toHaveLength(6);
      expect(await streamOf(["abcdef"], { maxReadBytes: 2 }).readline(6)).toHaveLength(6);
    });

    it("counts each line for itself in readline()", async () => {
      const input = streamOf(["ab\ncd\n"], { maxReadBytes: 3 });
      expect(show(await input.readline())).toBe("ab\n");
      expect(show(await input.readline())).toBe("cd\n");
    });

    it("stops pulling when it refuses", async () => {
      let pulls = 0;
      const chunk = new Uint8Array(1024);
      const endless: ChunkSource = {
        pull() {
          pulls++;
          return chunk;
        },
      };
      expect(await failureOf(inputStream(endless, { maxReadBytes: 10_240 }).read())).toBeInstanceOf(HTTPError);
      expect(pulls).toBe(11);
    });

    it("is 16 MiB unless told otherwise", async () => {
      const limit = 16 * 1024 * 1024;
      expect(await inputStream(new ListSource([new Uint8Array(limit)])).read()).toHaveLength(limit);
      expect(await failureOf(inputStream(new ListSource([new Uint8Array(limit), bytesOf("x")])).read())).toBeInstanceOf(HTTPError);
    });

    it.each([-1, 1.5, NaN, Infinity, 2 ** 53])("cannot be %d", (maxReadBytes) => {
      expect(() => inputStream(new ListSource([]), { maxReadBytes })).toThrow(RangeError);
    });
  });

  describe("the order of calls", () => {
    it("is kept while the source is waiting", async () => {
      const input = inputStream(new ListSource(["ab", "c\nd", "ef"].map(bytesOf), { later: () => true }));
      const iterator = input[Symbol.asyncIterator]();
      const results = await Promise.all([input.read(1), input.readline(), iterator.next(), input.read(), iterator.next()]);
      expect(results).toEqual([
        bytesOf("a"),
        bytesOf("bc\n"),
        { done: false, value: bytesOf("d") },
        bytesOf("ef"),
        { done: true, value: undefined },
      ]);
    });

    it("goes on after a call that failed", async () => {
      const input = inputStream(new ListSource([bytesOf("ab")], { later: () => true, failure: new Error("cut short") }));
      const [first, second, third] = await Promise.allSettled([input.read(3), input.read(2), input.read(1)]);
      expect(first.status).toBe("rejected");
      expect(second).toEqual({ status: "fulfilled", value: bytesOf("ab") });
      expect(third.status).toBe("rejected");
    });
  });

  describe("bodies in tiny chunks", () => {
    /** One byte at a time, the array made once: what is measured is the stream. */
    function tiny(size: number, last = 0x61): ChunkSource {
      const byte = bytesOf("a");
      let given = 0;
      return { pull: () => (given === size ? undefined : ++given === size ? Uint8Array.of(last) : byte) };
    }

    it("are read in linear time and in memory of their size", async () => {
      const size = 4_000_000;
      expect(await inputStream(tiny(size)).read()).toHaveLength(size);
      expect(await inputStream(tiny(size)).read(size)).toHaveLength(size);
      expect(await inputStream(tiny(size, 10)).readline()).toHaveLength(size);
      expect(await inputStream(tiny(size, 10)).readlines()).toHaveLength(1);
    });

    it("are read in linear time by small steps too", async () => {
      const input = inputStream(new ListSource([new Uint8Array(2_000_000)]));
      let steps = 0;
      while ((await input.readline(10)).length > 0) steps++;
      expect(steps).toBe(200_000);
    });
  });
});

describe.each([
  ["inputStream", (): InputStream => streamOf(["abc"])],
  ["emptyInput", (): InputStream => emptyInput],
])("sizes given to %s", (_, make) => {
  it.each([1.5, NaN, Infinity, -Infinity, 2 ** 53, -(2 ** 53), "1", null, 1n, {}, [1], true, Symbol("1")])(
    "are whole numbers, not %s",
    async (size) => {
      const input = make();
      const hostile = size as never;
      for (const read of [input.read(hostile), input.readline(hostile), input.readlines(hostile)]) {
        const error = await failureOf(read);
        expect(error).toBeInstanceOf(TypeError);
        expect((error as Error).message).toMatch(/^wsgi\.input: the (?:size|limit|hint) is a whole number of bytes, not /);
      }
    },
  );

  it("leave the body alone when they are wrong", async () => {
    const input = make();
    await failureOf(input.read(1.5));
    expect(show(await input.read())).toBe(input === emptyInput ? "" : "abc");
  });
});

describe("emptyInput", () => {
  it("is at its end, ever again", async () => {
    for (let i = 0; i < 2; i++) {
      expect(await emptyInput.read()).toEqual(new Uint8Array(0));
      expect(await emptyInput.read(10)).toEqual(new Uint8Array(0));
      expect(await emptyInput.readline(10)).toEqual(new Uint8Array(0));
      expect(await emptyInput.readlines()).toEqual([]);
      for await (const chunk of emptyInput) expect(chunk).toBeUndefined();
    }
  });

  it("gives each caller an array of lines of its own", async () => {
    expect(await emptyInput.readlines()).not.toBe(await emptyInput.readlines());
  });

  it("cannot be changed, as it is shared", () => {
    expect(Object.isFrozen(emptyInput)).toBe(true);
  });
});
