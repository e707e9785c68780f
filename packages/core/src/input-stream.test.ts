import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InputStream } from "./contract.ts";
import { HTTPError } from "./http-error.ts";
import { type ChunkSource, emptyInput, inputStream, type InputStreamOptions } from "./input-stream.ts";

const show = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Gives chunks, then fails or ends; throws if it is used in a way that {@link ChunkSource} rules out. */
class ListSource implements ChunkSource {
  pulls = 0;
  #over = false;
  #pending = false;
  readonly #chunks: Uint8Array[];
  readonly #later: (pull: number) => boolean;
  readonly #failure: unknown;

  constructor(chunks: Uint8Array[], options: { later?: (pull: number) => boolean; failure?: unknown } = {}) {
    this.#chunks = [...chunks];
    this.#later = options.later ?? (() => false);
    this.#failure = options.failure;
  }

  pull(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#over || this.#pending) throw new Error("pulled after the end, or while a pull was pending");
    if (!this.#later(this.pulls++)) return this.#next();
    this.#pending = true;
    return Promise.resolve().then(() => {
      this.#pending = false;
      return this.#next();
    });
  }

  #next(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) return chunk;
    this.#over = true;
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }
}

const streamOf = (chunks: string[], options?: InputStreamOptions): InputStream =>
  inputStream(new ListSource(chunks.map(bytesOf)), options);

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => `resolved: ${String(value)}`,
    (error: unknown) => error,
  );
}

/** The same reads on a whole body: what any splitting of it must give. */
class Reference {
  #rest: string;
  readonly #failure: string | undefined;
  readonly #max: number;
  #refused = false;

  constructor(body: string, failure: string | undefined, max: number) {
    this.#rest = body;
    this.#failure = failure;
    this.#max = max;
  }

  run(step: Step): string[] | string {
    if (this.#refused) return "413";
    const count = step.count === undefined || step.count < 0 ? undefined : step.count;
    const result = step.call === "readlines" ? this.#lines(count) : this.#one(step.call, count);
    if (result === "413") this.#refused = true;
    return result;
  }

  #one(call: "read" | "readline", count: number | undefined): string[] | string {
    const lineEnd = call === "read" ? -1 : this.#rest.indexOf("\n");
    const wanted = Math.min(count ?? Infinity, lineEnd === -1 ? Infinity : lineEnd + 1);
    if (count === undefined && Math.min(wanted, this.#rest.length) > this.#max) return "413";
    if (wanted > this.#rest.length && this.#failure !== undefined) return this.#failure;
    return [this.#take(wanted)];
  }

  #lines(hint: number | undefined): string[] | string {
    let end = 0;
    const lengths: number[] = [];
    while (end < (hint || Infinity)) {
      const lineEnd = this.#rest.indexOf("\n", end);
      const next = lineEnd === -1 ? this.#rest.length : lineEnd + 1;
      if (next > this.#max) return "413";
      if (lineEnd === -1 && this.#failure !== undefined) return this.#failure;
      if (next > end) lengths.push(next - end);
      end = next;
      if (lineEnd === -1) break;
    }
    return lengths.map((length) => this.#take(length));
  }

  #take(count: number): string {
    const taken = this.#rest.slice(0, count);
    this.#rest = this.#rest.slice(taken.length);
    return taken;
  }
}

interface Step {
  call: "read" | "readline" | "readlines";
  count: number | undefined;
}

async function runStep(input: InputStream, { call, count }: Step): Promise<string[] | string> {
  try {
    if (call === "read") return [show(await input.read(count))];
    if (call === "readline") return [show(await input.readline(count))];
    return (await input.readlines(count)).map((line) => show(line));
  } catch (error) {
    if (error instanceof HTTPError) return error.status.slice(0, 3);
    return (error as Error).message;
  }
}

const bodyText = fc.string({ unit: fc.constantFrom("a", "b", "\n", "\u{FF}"), maxLength: 60 });
const step: fc.Arbitrary<Step> = fc.record({
  call: fc.constantFrom("read", "readline", "readlines"),
  count: fc.oneof(fc.constant(undefined), fc.integer({ min: -1, max: 12 })),
});

/** Cuts a body at these places; the same place twice gives an empty chunk. */
function split(body: string, cuts: number[]): Uint8Array[] {
  const places = cuts.map((cut) => cut % (body.length + 1)).toSorted((a, b) => a - b);
  return [...places, body.length].map((end, index) => bytesOf(body.slice(index === 0 ? 0 : places[index - 1], end)));
}

const splitBody = fc.record({
  body: bodyText,
  cuts: fc.array(fc.nat(60), { maxLength: 30 }),
  later: fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
  failure: fc.option(fc.constant("cut short"), { nil: undefined }),
  max: fc.oneof(fc.constant(1000), fc.nat(40)),
});

function splitStream({ body, cuts, later, failure, max }: typeof splitBody extends fc.Arbitrary<infer T> ? T : never): InputStream {
  const source = new ListSource(split(body, cuts), {
    later: (pull) => later[pull % later.length] === true,
    ...(failure === undefined ? {} : { failure: new Error(failure) }),
  });
  return inputStream(source, { maxReadBytes: max });
}

describe("inputStream", () => {
  it("gives the same for any splitting of the body, any timing, any failure, any limit", async () => {
    await fc.assert(
      fc.asyncProperty(splitBody, fc.array(step, { maxLength: 12 }), async (given, steps) => {
        const input = splitStream(given);
        const reference = new Reference(given.body, given.failure, given.max);
        for (const step of steps) expect(await runStep(input, step)).toEqual(reference.run(step));
      }),
      { numRuns: 1000 },
    );
  });

  it("serves calls that were not awaited in order, as if they had been", async () => {
    await fc.assert(
      fc.asyncProperty(splitBody, fc.array(fc.tuple(step, fc.nat(4)), { maxLength: 12 }), async (given, steps) => {
        const input = splitStream(given);
        const reference = new Reference(given.body, given.failure, given.max);
        const results: Promise<string[] | string>[] = [];
        for (const [step, ticks] of steps) {
          results.push(runStep(input, step));
          // A call may come just while the turn passes from one to the next.
          for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
        }
        expect(await Promise.all(results)).toEqual(steps.map(([step]) => reference.run(step)));
      }),
      { numRuns: 500 },
    );
  });

  it("gives each byte once when iteration and reads are mixed", async () => {
    await fc.assert(
      fc.asyncProperty(splitBody, fc.array(fc.oneof(step, fc.constant("next" as const))), async (given, steps) => {
        const input = splitStream({ ...given, failure: undefined, max: 1000 });
        let all = "";
        for (const step of steps) {
          if (step === "next") {
            for await (const chunk of input) {
              if (chunk.length === 0) throw new Error("gave an empty chunk");
              all += show(chunk);
              break;
            }
          } else {
            const result = await runStep(input, step);
            if (typeof result === "string") throw new Error(result);
            all += result.join("");
          }
        }
        for await (const chunk of input) all += show(chunk);
        expect(all).toBe(given.body);
        expect(await runStep(input, { call: "read", count: undefined })).toEqual([""]);
      }),
      { numRuns: 500 },
    );
  });

  it("gives plain Uint8Arrays of bodies large and small, across the blocks that small chunks are gathered in", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5000 }),
        async (sizes, size) => {
          let value = 0;
          const chunks = sizes.map((size) => Buffer.from(Array.from({ length: size }, () => value++ & 0xff)));
          const whole = Buffer.concat(chunks);
          const input = inputStream(new ListSource(chunks));
          const first = await input.read(size);
          const line = await input.readline(size);
          const rest = await input.read();
          expect([first, line, rest].map((bytes) => bytes.constructor)).toEqual([Uint8Array, Uint8Array, Uint8Array]);
          expect(Buffer.concat([first, line, rest]).equals(whole)).toBe(true);
          expect(first.length).toBe(Math.min(size, whole.length));
        },
      ),
    );
  });

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
