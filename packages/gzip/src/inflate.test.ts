import { execFileSync } from "node:child_process";
import zlib from "node:zlib";
import type { Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { makeServer } from "@gateway/server";
import { validator } from "@gateway/validate";
import * as fc from "fast-check";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import { availableCodings, type Coding } from "./codings.ts";
import { contentCodings, inflate, type InflateOptions } from "./inflate.ts";
import { eventually, scaled } from "@gateway/testing/campaign";
import { between, deferred, LiveCoders, text } from "./test-bodies.ts";

interface ZstdEncoder {
  readonly gzipSync: unknown;
  readonly zstdCompressSync?: (bytes: Uint8Array) => Buffer;
}

function encode(coding: Coding, bytes: Uint8Array): Buffer {
  const library: ZstdEncoder = zlib;
  if (coding === "gzip") return zlib.gzipSync(bytes);
  if (coding === "deflate") return zlib.deflateSync(bytes);
  if (coding === "br") return zlib.brotliCompressSync(bytes);
  return library.zstdCompressSync?.(bytes) ?? Buffer.from("no zstd");
}

/** Answers with what it read, and what it saw. */
const echo: Application = async (environ, startResponse) => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of environ["wsgi.input"]) chunks.push(chunk);
  startResponse("200 OK", [
    ["Content-Type", "application/octet-stream"],
    ["X-Seen", `${environ.HTTP_CONTENT_ENCODING} ${environ.CONTENT_LENGTH}`],
  ]);
  return [Buffer.concat(chunks)];
};

function http(options?: InflateOptions, app: Application = echo): ReturnType<typeof client> {
  return client(between(inflate(options), app));
}

const post = (app: ReturnType<typeof client>, body: Uint8Array, coding: string): ReturnType<typeof app.post> =>
  app.post("/", { body, headers: { "Content-Encoding": coding } });

const body = text(100_000);

describe("inflate", () => {
  it.each(availableCodings)("decodes a body in %s, and hides that it was coded", async (coding) => {
    const response = await post(http(), encode(coding, body), coding);
    expect(body.equals(response.bytes)).toBe(true);
    expect(response.headers.get("x-seen")).toBe("undefined undefined");
    const chunked = await http().post("/", {
      body: encode(coding, body),
      chunked: true,
      splitEvery: 1000,
      headers: { "Content-Encoding": coding.toUpperCase() },
    });
    expect(body.equals(chunked.bytes)).toBe(true);
  });

  it.each(availableCodings)("gives the same bytes of %s however they are split", async (coding) => {
    const coded = encode(coding, body);
    const property = fc.asyncProperty(fc.array(fc.nat({ max: coded.length }), { maxLength: 20 }), async (cuts) => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), coded.length];
      const pieces = at.slice(1).map((end, i) => coded.subarray(at[i], end));
      const response = await http().post("/", { body: pieces, headers: { "Content-Encoding": coding } });
      expect(body.equals(response.bytes)).toBe(true);
    });
    await fc.assert(property, { numRuns: scaled(500), seed: 1951 });
  });

  it.each([
    ["gzip", ["gzip", "-c"]],
    ["br", ["brotli", "-c"]],
    ["zstd", ["zstd", "-cq"]],
  ] as const)("decodes what the program of %s makes", async (coding, [program, ...args]) => {
    if (!availableCodings.includes(coding)) return expect((await post(http(), body, coding)).status).toBe(415);
    const coded = execFileSync(program, args, { input: body });
    expect(body.equals((await post(http(), coded, coding)).bytes)).toBe(true);
  });

  it("hands a body without a coding on, untouched", async () => {
    const inputs: unknown[] = [];
    const app: Application = (environ, startResponse) => {
      inputs.push(environ["wsgi.input"]);
      return echo(environ, startResponse);
    };
    const outside: Application = (environ, startResponse) => {
      inputs.push(environ["wsgi.input"]);
      return inflate()(app)(environ, startResponse);
    };
    const response = await client(outside).post("/", { body });
    expect(inputs[0]).toBe(inputs[1]);
    expect(response.headers.get("x-seen")).toBe("undefined 100000");
    const identity = await post(client(outside), body, "identity");
    expect([body.equals(identity.bytes), identity.headers.get("x-seen")]).toEqual([true, "undefined 100000"]);
  });

  it("undoes several codings in their order", async () => {
    const coded = encode("br", encode("gzip", body));
    expect(body.equals((await post(http(), coded, "x-gzip, br")).bytes)).toBe(true);
    expect((await post(http(), coded, "br, gzip")).status).toBe(400);
    expect((await post(http({ maxCodings: 1 }), coded, "gzip, br")).status).toBe(415);
    expect((await post(http(), coded, "gzip, gzip, br")).status).toBe(415);
  });

  it("answers a coding that it does not know with 415, and says which it knows", async () => {
    for (const coding of ["compress", "gzip, lzma", "aes128gcm"]) {
      const response = await post(http(), body, coding);
      expect([response.status, response.headers.get("accept-encoding")]).toEqual([415, availableCodings.join(", ")]);
    }
    const one = await post(http({ codings: ["gzip"] }), encode("br", body), "br");
    expect([one.status, one.headers.get("accept-encoding")]).toEqual([415, "gzip"]);
  });

  it("takes no bytes for no bytes", async () => {
    for (const coding of availableCodings) {
      expect((await post(http(), Buffer.alloc(0), coding)).bytes.length).toBe(0);
      expect((await http().get("/", { headers: { "Content-Encoding": coding } })).bytes.length).toBe(0);
      expect((await post(http(), encode(coding, Buffer.alloc(0)), coding)).bytes.length).toBe(0);
    }
  });

  it("keeps the lines and sizes of reading", async () => {
    const app: Application = async (environ, startResponse) => {
      const input = environ["wsgi.input"];
      const first = await input.readline();
      const five = await input.read(5);
      const rest = await input.read();
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from(`${Buffer.from(first).toString()}|${Buffer.from(five).toString()}|${rest.length}`)];
    };
    const response = await post(http({}, app), encode("gzip", body), "gzip");
    expect(response.text()).toBe('{"line":0,"value":"0"}\n|{"lin|99972');
  });
});

describe("inflate, of what is wrong", () => {
  const coded = Object.fromEntries(availableCodings.map((coding) => [coding, encode(coding, body)]));

  it.each(availableCodings)("answers 400 to %s that was cut short, wherever", async (coding) => {
    const whole = coded[coding] ?? Buffer.alloc(0);
    for (const length of [1, 2, 5, 9, 10, 17, whole.length >> 1, whole.length - 9, whole.length - 1]) {
      const response = await post(http(), whole.subarray(0, length), coding);
      expect([coding, length, response.status]).toEqual([coding, length, 400]);
    }
  });

  it.each(availableCodings)("answers 400 to garbage instead of %s, and behind it", async (coding) => {
    const whole = coded[coding] ?? Buffer.alloc(0);
    expect((await post(http(), Buffer.from("plainly no such thing, and long enough to tell"), coding)).status).toBe(400);
    for (const garbage of [Buffer.from("garbage"), Buffer.from("P"), Buffer.alloc(8), whole.subarray(0, 12)]) {
      for (const splitEvery of [1, 1000, whole.length, 1_000_000]) {
        const response = await http().post("/", {
          body: Buffer.concat([whole, garbage]),
          splitEvery,
          headers: { "Content-Encoding": coding },
        });
        expect([garbage.toString("latin1"), splitEvery, response.status]).toEqual([garbage.toString("latin1"), splitEvery, 400]);
      }
    }
  });

  it("takes members of gzip that follow one another, as its RFC says", async () => {
    const two = Buffer.concat([encode("gzip", text(5000)), encode("gzip", Buffer.alloc(0)), encode("gzip", text(70))]);
    for (const splitEvery of [1, 7, two.length]) {
      const response = await http().post("/", { body: two, splitEvery, headers: { "Content-Encoding": "gzip" } });
      expect(response.bytes).toEqual(Buffer.concat([text(5000), text(70)]));
    }
    for (const coding of ["br", "deflate"] as const) {
      expect((await post(http(), Buffer.concat([encode(coding, body), encode(coding, body)]), coding)).status).toBe(400);
    }
  });

  it("takes frames of zstd that follow one another, skippable ones too, as its RFC says", async () => {
    if (!availableCodings.includes("zstd")) return expect((await post(http(), body, "zstd")).status).toBe(415);
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    const withChecksum = execFileSync("zstd", ["-cq", "--check"], { input: text(300) });
    const frames = [skippable, encode("zstd", text(5000)), encode("zstd", Buffer.alloc(0)), withChecksum, skippable];
    const whole = Buffer.concat(frames);
    for (const splitEvery of [1, 7, whole.length]) {
      const headers = { "Content-Encoding": "zstd" };
      const response = await http().post("/", { body: whole, splitEvery, headers });
      expect(response.bytes).toEqual(Buffer.concat([text(5000), text(300)]));
      const cut = await http().post("/", { body: whole.subarray(0, -1), splitEvery, headers });
      expect(cut.status).toBe(400);
    }
    const many = Buffer.concat(Array.from({ length: 1001 }, () => encode("zstd", Buffer.alloc(0))));
    expect((await post(http(), many, "zstd")).status).toBe(413);
  });

  it("takes a flipped bit for what it is, or for what it decodes to, and nothing else", async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...availableCodings),
      fc.nat(),
      fc.nat({ max: 7 }),
      async (coding, place, bit) => {
        const broken = Buffer.from(coded[coding] ?? []);
        const at = place % broken.length;
        broken[at] = (broken[at] ?? 0) ^ (1 << bit);
        const response = await post(http(), broken, coding);
        expect([200, 400]).toContain(response.status);
        // These have a checksum. (The header of gzip has none.)
        if (response.status === 200 && (coding === "gzip" || coding === "deflate")) expect(body.equals(response.bytes)).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: scaled(3000), seed: 1950 });
  });

  it("hands the failure of the body itself on", async () => {
    const response = await http().post("/", {
      body: coded["gzip"] ?? Buffer.alloc(0),
      bodyCutAfter: 100,
      headers: { "Content-Encoding": "gzip" },
    });
    expect([response.status, response.text()]).toEqual([400, expect.not.stringContaining("gzip")]);
  });
});

describe("inflate, of a bomb", () => {
  const zeros = Buffer.alloc(32 * 1024 * 1024);

  it.each(availableCodings)("answers 413, having decoded little of it: %s", async (coding) => {
    const bomb = encode(coding, zeros);
    let read = 0;
    const counting: Application = async (environ, startResponse) => {
      for await (const chunk of environ["wsgi.input"]) read += chunk.length;
      return echo(environ, startResponse);
    };
    for (const [options, most] of [
      [{ maxRatio: Infinity }, 16 * 1024 * 1024],
      [{ maxBytes: Infinity }, 2 * 1024 * 1024 + 200 * bomb.length],
      [{ maxBytes: 100_000 }, 100_000],
    ] as const) {
      read = 0;
      const response = await post(http(options, counting), bomb, coding);
      expect([response.status, read <= most]).toEqual([413, true]);
    }
  });

  it("counts what lies between two codings too", async () => {
    // Members without content: nothing comes out in the end, after much work.
    const nothing = encode("gzip", Buffer.alloc(0));
    const many = encode("br", Buffer.concat(Array.from({ length: 1_000_000 }, () => nothing)));
    expect(many.length).toBeLessThan(1000);
    expect((await post(http(), many, "gzip, br")).status).toBe(413);
  });

  it("lets a short body be of one letter, and a long one of few", async () => {
    const short = encode("gzip", zeros.subarray(0, 1024 * 1024));
    expect((await post(http(), short, "gzip")).bytes.length).toBe(1024 * 1024);
    const long = encode("gzip", zeros.subarray(0, 4 * 1024 * 1024));
    expect((await post(http({ maxRatio: 2000 }), long, "gzip")).bytes.length).toBe(4 * 1024 * 1024);
    expect((await post(http(), long, "gzip")).status).toBe(413);
  });
});

describe("a decoder", () => {
  it("is made when the application reads, holds little of what nobody reads, and is freed once", async () => {
    using coders = new LiveCoders();
    const unread: Application = (_environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return [Buffer.from("not read")];
    };
    const coded = encode("gzip", body);
    await post(http({}, unread), coded, "gzip");
    expect(coders.made).toBe(0);
    await post(http(), coded, "gzip");
    expect(coders.made).toBe(1);
    await eventually(() => coders.alive === 0);

    // An application that reads a little, and then something else for long.
    let pulled = 0;
    const random = Buffer.from(Array.from({ length: 2_000_000 }, (_, i) => (i * i * 31) >> 7));
    const large = encode("gzip", random);
    async function* upload(): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < large.length; at += 16_384) {
        pulled++;
        yield large.subarray(at, at + 16_384);
      }
    }
    const gate = deferred();
    const began = deferred();
    const partly: Application = async (environ, startResponse) => {
      await environ["wsgi.input"].read(10);
      began.resolve();
      await gate.promise;
      return unread(environ, startResponse);
    };
    const response = http({ maxBytes: 1e9 }, partly).post("/", { body: upload(), headers: { "Content-Encoding": "gzip" } });
    await began.promise;
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect([coders.made, coders.alive]).toEqual([2, 1]);
    expect(pulled).toBeLessThan(10);
    gate.resolve();
    await response;
    await eventually(() => coders.alive === 0);
  });

  it("is freed when the client leaves in the middle, over a real server", async () => {
    using coders = new LiveCoders();
    const errors = { write() {}, writelines() {}, flush() {} };
    await using server = makeServer("127.0.0.1", 0, validator(inflate()(validator(echo))), { errors });
    const address = await server.listen();
    void server.serveForever();
    const coded = encode("gzip", text(1_000_000));
    const socket = connect(address.kind === "tcp" ? address.port : 0, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: ${coded.length}\r\n\r\n`);
    socket.write(coded.subarray(0, coded.length >> 1));
    await eventually(() => coders.made === 1);
    socket.destroy();
    await eventually(() => coders.alive === 0);
  });
});

describe("contentCodings", () => {
  it.each([
    ["gzip", ["gzip"]],
    [" GZIP ,\tbr", ["gzip", "br"]],
    ["x-gzip", ["gzip"]],
    ["identity", []],
    [", ,identity,deflate", ["deflate"]],
    ["", []],
    // What is white to Unicode is not white to HTTP: others saw no gzip here.
    ["\u00A0gzip", ["\u00A0gzip"]],
    ["gzip\u0085,\u000Bbr", ["gzip\u0085", "\u000Bbr"]],
  ])("reads %j", (header, expected) => {
    expect(contentCodings(header)).toEqual(expected);
  });
});

describe("the options of inflate", () => {
  it.each<[unknown, string]>([
    [{ codings: [] }, "inflate: codings is a list of one or more codings"],
    [{ codings: ["lzma"] }, 'inflate: codings knows zstd, br, gzip, deflate, not "lzma"'],
    [{ maxBytes: 0 }, "inflate: maxBytes is a whole number from 1, not 0"],
    [{ maxRatio: -1 }, "inflate: maxRatio is a whole number from 1, not -1"],
    [{ maxCodings: 1.5 }, "inflate: maxCodings is a whole number from 1, not 1.5"],
    [{ maxReadBytes: "1" }, "inflate: maxReadBytes is a whole number from 1, not 1"],
  ])("refuses %j while wrapping", (options, message) => {
    expect(() => inflate(options as InflateOptions)).toThrow(message);
  });

  it("bounds a single read", async () => {
    const app: Application = async (environ, startResponse) => {
      await environ["wsgi.input"].read();
      return echo(environ, startResponse);
    };
    expect((await post(http({ maxReadBytes: 50_000 }, app), encode("gzip", body), "gzip")).status).toBe(413);
  });
});
