import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InputStream } from "./contract.ts";
import { HTTPError } from "./http-error.ts";
import { inputStream } from "./input-stream.ts";
import { bytesOf, ListSource, show } from "./test-source.ts";

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
});
