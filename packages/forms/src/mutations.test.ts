import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isHTTPError } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { readForm, readJson, type FormOptions } from "./index.ts";
import { head, multipartBody, multipartType, posted } from "./test-body.ts";
import { campaignTimeout, scaled, seededRandom } from "@gateway/testing/campaign";

const urlencoded = "application/x-www-form-urlencoded";

/** Good bodies, which every mutation begins with. */
const seeds: readonly (readonly [type: string, body: string])[] = [
  [
    multipartType,
    multipartBody([
      [head("a"), "1"],
      [head("f", '; filename="naïve.txt"\r\nContent-Type: text/plain; charset=utf-8'), "line\r\n--\r\n"],
      [head("a"), ""],
      [head("empty", '; filename=""\r\nContent-Type: application/octet-stream'), ""],
    ]),
  ],
  [
    multipartType,
    `preamble\r\n${multipartBody([
      ["Content-Type: text/plain\r\ncontent-disposition: form-data; name=b; filename*=UTF-8''a%20b", "x".repeat(300)],
      [`${head("__proto__")}\r\nContent-Type: text/plain; charset=utf-8`, "\0\r\n\r\n"],
    ])}epilogue`,
  ],
  [multipartType, multipartBody(Array.from({ length: 12 }, (_, i) => [head(`n${i}`), `${i}`] as const))],
  [urlencoded, "a=1&b=%C3%A4+%F0%9F%91%8B&a=2&&c&=empty&__proto__[x]=1&constructor=2"],
  [urlencoded, Array.from({ length: 40 }, (_, i) => `field${i % 7}=${"value".repeat(i % 5)}`).join("&")],
];

const words = [
  "\r\n",
  "\r\n\r\n",
  "\n",
  "\r",
  "--b",
  "--b--",
  "\r\n--b\r\n",
  "\r\n--b--\r\n",
  "--",
  '"',
  "\\",
  ";",
  "=",
  "&",
  "%",
  "%00",
  "%FF",
  "+",
  ":",
  "'",
  "\0",
  "\xff",
  " ",
  "\t",
  "name=",
  '; filename="x"',
  "filename*=UTF-8''%",
  "Content-Disposition: form-data; name=z\r\n",
  "Content-Type: text/plain; charset=utf-16le\r\n",
  "Content-Transfer-Encoding: base64\r\n",
  "; charset=x-none",
  "; charset=utf-16le",
  "__proto__",
  "x".repeat(300),
];

function mutate(text: string, random: () => number): string {
  const upTo = (limit: number): number => Math.floor(random() * limit);
  let body = text;
  for (let count = 1 + upTo(4); count > 0; count--) {
    const at = upTo(body.length + 1);
    const length = upTo(20);
    const kind = upTo(6);
    if (kind === 0) body = body.slice(0, at) + (words[upTo(words.length)] ?? "") + body.slice(at);
    else if (kind === 1) body = body.slice(0, at) + body.slice(at + length);
    else if (kind === 2) body = body.slice(0, at) + String.fromCharCode(upTo(256)) + body.slice(at + 1);
    else if (kind === 3) body = body.slice(0, at) + body.slice(at, at + 10 * length) + body.slice(at);
    else if (kind === 4) body = body.slice(0, at);
    else body = body.slice(0, at) + (words[upTo(words.length)] ?? "") + body.slice(at + length);
  }
  return body;
}

const roomy: FormOptions = {};
const tight: FormOptions = {
  bytes: 900,
  fields: 6,
  files: 2,
  parts: 8,
  nameBytes: 12,
  valueBytes: 200,
  fieldsBytes: 250,
  fileBytes: 250,
  headerBytes: 120,
};

/** What becomes of a body: its fields and files, or the status. Anything else that is thrown is thrown on. */
async function outcome(type: string, body: Uint8Array, every: number, limits: FormOptions): Promise<string> {
  const files: string[] = [];
  try {
    const form = await readForm(posted(type, body, every), {
      ...limits,
      onFile: async (part) => files.push(`${part.filename}=${Buffer.from(await part.bytes()).toString("latin1")}`),
    });
    return JSON.stringify([[...form], files]);
  } catch (error) {
    if (!isHTTPError(error)) throw error;
    // Not the reason: the parser takes a lone dash behind a boundary in two ways, both of them wrong bodies.
    return error.status;
  }
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function heapAfterCollection(): number {
  collectGarbage();
  collectGarbage(); // buffers that were dropped are counted until they have been swept
  return process.memoryUsage().heapUsed;
}

describe("mutated bodies", () => {
  it(
    "are read or refused with 400, 413 or 415, the same at any split of the bytes, and nothing of them is kept",
    async () => {
      const random = seededRandom(0x666f726d);
      const statuses = new Map<string, number>();
      let before = 0;
      const count = scaled(100_000);
      for (let i = 0; i < count; i++) {
        if (i === Math.floor(count / 10)) before = heapAfterCollection();
        const [type, seed] = seeds[i % seeds.length] ?? ["", ""];
        const body = Buffer.from(mutate(seed, random), "latin1");
        const limits = random() < 0.5 ? roomy : tight;
        const every = 1 + Math.floor(random() * 40);
        const whole = await outcome(type, body, 65_536, limits);
        const split = await outcome(type, body, every, limits);
        expect(split, `${JSON.stringify(body.toString("latin1"))} in chunks of ${every}`).toBe(whole);
        const status = whole.startsWith("[") ? "200" : whole.slice(0, 3);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      expect([...statuses.keys()].toSorted()).toEqual(["200", "400", "413", "415"]);
      // Enough of each kind, or the mutations miss their aim.
      expect(Math.min(...statuses.values())).toBeGreaterThan(count / 3000);
      expect(heapAfterCollection() - before).toBeLessThan(8 * 1024 * 1024);
    },
    campaignTimeout,
  );

  it(
    "of JSON are read or refused with 400 or 413",
    async () => {
      const random = seededRandom(0x6a736f6e);
      const text = '{"name":"Ada","list":[1,2.5e3,-0,{"deep":[null,true]}],"text":"\\u00e4\\"{[","constructor":{"a":1},"__prot":1}';
      const seen = new Set<string>();
      for (let i = 0; i < scaled(20_000); i++) {
        const body = Buffer.from(mutate(text, random), "latin1");
        try {
          await readJson(posted("application/json", body, 1 + Math.floor(random() * 40)), { nesting: 4, bytes: 600 });
          seen.add("200");
        } catch (error) {
          if (!isHTTPError(error)) throw error;
          seen.add(error.status.slice(0, 3));
        }
      }
      expect([...seen].toSorted()).toEqual(["200", "400", "413"]);
    },
    campaignTimeout,
  );

  it("never hold more than a piece in memory, whatever stands in a large body", async () => {
    const contents = ["\r\n--", "\r\n--b", "--b\r\n", "\r\n\r\n", "x"].map((unit) =>
      Buffer.from(unit.repeat(Math.ceil(65_536 / unit.length))),
    );
    for (const content of contents) {
      let most = 0;
      let before = 0;
      const chunks = (async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from(`--c\r\n${head("f", '; filename="f"')}\r\n\r\n`);
        before = heapAfterCollection() + process.memoryUsage().arrayBuffers;
        for (let i = 0; i < 512; i++) {
          if (i % 128 === 127) most = Math.max(most, heapAfterCollection() + process.memoryUsage().arrayBuffers - before);
          yield content;
        }
        yield Buffer.from("\r\n--c--\r\n");
      })();
      const environ = posted("multipart/form-data; boundary=c", "");
      environ["wsgi.input"] = { ...environ["wsgi.input"], [Symbol.asyncIterator]: () => chunks };
      let bytes = 0;
      await readForm(environ, {
        fileBytes: Infinity,
        onFile: async (part) => {
          for await (const chunk of part) bytes += chunk.byteLength;
        },
      });
      expect(bytes).toBe(512 * content.length);
      expect(most).toBeLessThan(2 * 1024 * 1024);
    }
  });
});
