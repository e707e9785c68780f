import { HTTPError, onClose, type Application, type HeaderList, type ResponseBody } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { availableCodings } from "./codings.ts";
import type { Answer } from "./gzip-options.ts";
import { gzip, type GzipOptions } from "./gzip.ts";
import { answers, between, decode, deferred, eventually, text } from "./test-bodies.ts";

const json = text(4096);
const every = { "Accept-Encoding": "gzip, deflate, br, zstd" };

function http(app: Application, options: GzipOptions = {}): ReturnType<typeof client> {
  return client(between(gzip({ codings: ["br", "gzip", "deflate"], ...options }), app));
}

/** What the application does in the next turn of the loop. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("gzip", () => {
  it.each(availableCodings)("codes a buffered body as %s, and says how long it is", async (coding) => {
    const app = client(
      between(
        gzip(),
        answers(() => [json.subarray(0, 3000), json.subarray(3000)]),
      ),
    );
    const response = await app.get("/", { headers: { "Accept-Encoding": coding } });
    expect(response.headers.get("content-encoding")).toBe(coding);
    expect(response.headers.get("vary")).toBe("Accept-Encoding");
    expect(response.headers.get("content-length")).toBe(`${response.bytes.length}`);
    expect(response.bytes.length).toBeLessThan(json.length / 2);
    expect(decode(coding, response.bytes)).toEqual(json);
  });

  it("replaces a Content-Length, of whatever case", async () => {
    const app = http(answers(() => [json], [["content-length", "4096"]]));
    const response = await app.get("/", { headers: every });
    expect(response.headers.get("content-length")).toBe(`${response.bytes.length}`);
  });

  it("leaves a body as it is for a client that takes no coding, and says that it depends", async () => {
    for (const headers of [{}, { "Accept-Encoding": "identity" }, { "Accept-Encoding": "" }, { "Accept-Encoding": "compress" }]) {
      const response = await http(answers(() => [json])).get("/", { headers });
      expect(response.headers.get("content-encoding")).toBeUndefined();
      expect(response.headers.get("vary")).toBe("Accept-Encoding");
      expect(Buffer.from(response.bytes)).toEqual(json);
    }
  });

  it("leaves a body below the threshold as it is, unless identity is refused", async () => {
    const app = http(answers(() => [json.subarray(0, 1023)]));
    const plain = await app.get("/", { headers: every });
    expect([plain.headers.get("content-encoding"), plain.headers.get("vary")]).toEqual([undefined, "Accept-Encoding"]);
    const coded = await app.get("/", { headers: { "Accept-Encoding": "gzip, identity;q=0" } });
    expect(coded.headers.get("content-encoding")).toBe("gzip");
    const atThreshold = await http(answers(() => [json.subarray(0, 1024)])).get("/", { headers: every });
    expect(atThreshold.headers.get("content-encoding")).toBe("br");
    const lower = await http(
      answers(() => [json.subarray(0, 100)]),
      { thresholdBytes: 100 },
    ).get("/", { headers: every });
    expect(lower.headers.get("content-encoding")).toBe("br");
  });

  it("goes by the Content-Length of a stream that announces one", async () => {
    const stream = (): ResponseBody => [json.subarray(0, 500)].values();
    const short = await http(answers(stream, [["Content-Length", "500"]])).get("/", { headers: every });
    expect([short.headers.get("content-encoding"), short.headers.get("content-length")]).toEqual([undefined, "500"]);
    const unknown = await http(answers(stream)).get("/", { headers: every });
    expect(unknown.headers.get("content-encoding")).toBe("br");
  });

  it.each<[string, HeaderList, string, string | undefined]>([
    ["that has a coding", [["Content-Encoding", "br"]], "200 OK", undefined],
    ["that has an unknown coding", [["content-encoding", "gzip, aes128gcm"]], "200 OK", undefined],
    ["that may not be transformed", [["Cache-Control", "public, No-Transform"]], "200 OK", undefined],
    ["that is a part", [["Content-Range", "bytes 0-4095/8000"]], "206 Partial Content", "Accept-Encoding"],
    ["that says it is a part", [["Content-Range", "bytes 0-4095/8000"]], "200 OK", "Accept-Encoding"],
  ])("leaves an answer as it is %s", async (_what, headers, status, vary) => {
    for (const accept of ["br", "identity"]) {
      const response = await http(answers(() => [json], [...headers, ["ETag", '"v1"']], status)).get("/", {
        headers: { "Accept-Encoding": accept },
      });
      expect(Buffer.from(response.bytes)).toEqual(json);
      expect([response.headers.get("vary"), response.headers.get("etag")]).toEqual([vary, '"v1"']);
      const sent = headers.find(([name]) => name.toLowerCase() === "content-encoding");
      expect(response.headers.get("content-encoding")).toBe(sent?.[1]);
    }
  });

  it("leaves types as they are that do not become smaller, and says nothing of them", async () => {
    const app: Application = (_environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "image/png"]]);
      return [json];
    };
    for (const headers of [every, {}]) {
      const response = await http(app).get("/", { headers });
      expect([response.headers.get("content-encoding"), response.headers.get("vary")]).toEqual([undefined, undefined]);
    }
    const png = await http(app, { compressible: (type) => type === "image/png" }).get("/", { headers: every });
    expect(png.headers.get("content-encoding")).toBe("br");
  });

  it("hands a 204, a 205 and a 304 on; the 304 says that it depends", async () => {
    for (const [status, vary] of [
      ["204 No Content", undefined],
      ["304 Not Modified", "Accept-Encoding"],
    ] as const) {
      const app: Application = (_environ, startResponse) => {
        startResponse(status, []);
        return [];
      };
      for (const headers of [every, {}]) {
        const response = await http(app).get("/", { headers });
        expect([response.headers.get("content-encoding"), response.headers.get("vary")]).toEqual([undefined, vary]);
      }
    }
    const reset = await http(answers(() => [], [], "205 Reset Content")).get("/", { headers: every });
    expect(reset.headers.get("content-encoding")).toBeUndefined();
  });

  it("codes answers of any other status and method", async () => {
    const app = http(answers(() => [json], [], "404 Not Found"));
    expect((await app.post("/", { headers: every, body: "x" })).headers.get("content-encoding")).toBe("br");
  });

  it("keeps an empty body empty", async () => {
    const response = await http(answers(() => [])).get("/", { headers: { "Accept-Encoding": "gzip, identity;q=0" } });
    expect([response.headers.get("content-encoding"), response.bytes.length]).toEqual([undefined, 0]);
  });

  it.each([
    [[["Vary", "Cookie"]], "Cookie, Accept-Encoding"],
    [[["vary", "accept-encoding"]], "accept-encoding"],
    [[["Vary", "Cookie, ACCEPT-ENCODING"]], "Cookie, ACCEPT-ENCODING"],
    [[["Vary", "*"]], "*"],
    [[["Vary", ""]], "Accept-Encoding"],
  ] as const)("says it once: of %j it makes %s", async (headers, expected) => {
    const response = await http(answers(() => [json], [...headers])).get("/", { headers: every });
    expect(response.headers.get("vary")).toBe(expected);
  });

  it("takes away what is true of the plain bytes only", async () => {
    const untrue: HeaderList = [
      ["Content-MD5", "x"],
      ["Digest", "x"],
      ["Content-Digest", "sha-256=:x:"],
      ["Repr-Digest", "sha-256=:x:"],
      ["Accept-Ranges", "bytes"],
      ["Content-Encoding", "identity"],
    ];
    const kept: HeaderList = [
      ["Unencoded-Digest", "sha-256=:x:"],
      ["Last-Modified", "Sat, 29 Oct 2022 19:43:31 GMT"],
    ];
    const app = http(answers(() => [json], [...untrue, ...kept]));
    const coded = await app.get("/", { headers: every });
    for (const [name] of untrue.slice(0, -1)) expect(coded.headers.get(name)).toBeUndefined();
    expect(coded.headers.get("content-encoding")).toBe("br");
    for (const [name, value] of kept) expect(coded.headers.get(name)).toBe(value);
    const plain = await app.get("/");
    for (const [name, value] of [...untrue, ...kept]) expect(plain.headers.get(name)).toBe(value);
  });

  it("gives a strong entity tag the name of the coding, keeps a weak one, and drops what is none", async () => {
    for (const [tag, coded] of [
      ['"v1"', '"v1-br"'],
      ['W/"v1"', 'W/"v1"'],
      ["v1", undefined],
    ] as const) {
      const app = http(answers(() => [json], [["ETag", tag]]));
      expect((await app.get("/", { headers: every })).headers.get("etag")).toBe(coded);
      expect((await app.get("/")).headers.get("etag")).toBe(tag);
    }
  });

  it("uses the levels it was given", async () => {
    const app = answers(() => [json]);
    const sizes: number[] = [];
    const asked: (number | undefined)[] = [];
    for (const level of [0, 9]) {
      const function_ = (bytes: number | undefined): number => {
        asked.push(bytes);
        return level;
      };
      const fixed = await http(app, { levels: { gzip: level } }).get("/", { headers: { "Accept-Encoding": "gzip" } });
      const chosen = await http(app, { levels: { gzip: function_ } }).get("/", { headers: { "Accept-Encoding": "gzip" } });
      expect(chosen.bytes).toEqual(fixed.bytes);
      sizes.push(fixed.bytes.length);
    }
    expect(asked).toEqual([4096, 4096]);
    expect(sizes[0]).toBeGreaterThan(4096);
    expect(sizes[1]).toBeLessThan(1000);
  });

  it("codes long buffered bodies in the thread pool, with the same result", async () => {
    const long = text(200_000);
    for (const coding of availableCodings) {
      const app = between(
        gzip(),
        answers(() => [long.subarray(0, 150_000), long.subarray(150_000)]),
      );
      const response = await client(app).get("/", { headers: { "Accept-Encoding": coding } });
      expect(response.headers.get("content-length")).toBe(`${response.bytes.length}`);
      expect(long.equals(decode(coding, response.bytes))).toBe(true);
    }
  });

  it("is synchronous for a synchronous application, but for streams and long bodies", () => {
    const call = (app: Application, options?: GzipOptions): unknown =>
      between(gzip(options), app)(buildEnviron({ headers: [["Accept-Encoding", "gzip"]] }), () => () => {});
    expect(Array.isArray(call(answers(() => [json])))).toBe(true);
    expect(Array.isArray(call(answers(() => [json], [["Content-Type", "image/png"]])))).toBe(true);
    expect(Symbol.iterator in (call(answers(() => [json].values(), [["Cache-Control", "no-transform"]])) as object)).toBe(true);
    expect(Symbol.asyncIterator in (call(answers(() => [json].values())) as object)).toBe(true);
    expect(
      call(
        answers(() => [json]),
        { syncBytes: 4095 },
      ),
    ).toBeInstanceOf(Promise);
  });

  it("asks skip last, and leaves what it skips", async () => {
    const seen: unknown[] = [];
    const skip = ({ environ, status, headers }: Answer): boolean => {
      seen.push([environ.PATH_INFO, status, headers.map(([name]) => name)]);
      return status === "200 OK";
    };
    const response = await http(
      answers(() => [json], [["ETag", '"v1"']]),
      { skip },
    ).get("/", { headers: every });
    expect([response.headers.get("content-encoding"), response.headers.get("etag")]).toEqual([undefined, '"v1"']);
    expect(response.headers.get("vary")).toBe("Accept-Encoding");
    await http(
      answers(() => [json], [["Cache-Control", "no-transform"]]),
      { skip },
    ).get("/", { headers: every });
    expect(seen).toEqual([["/", "200 OK", ["Content-Type", "ETag"]]]);
  });

  it("leaves a wrong Content-Length for the server to tell", async () => {
    const app = gzip()(answers(() => [json], [["Content-Length", "17"]]));
    const response = await client(app, { validate: false }).get("/", { headers: every, errors: "expected" });
    expect(response.status).toBe(500);
    const chunk = gzip()(answers(() => ["text"] as unknown as Uint8Array[]));
    expect((await client(chunk, { validate: false }).get("/", { headers: every, errors: "expected" })).status).toBe(500);
  });

  it("changes nothing of an answer that a layer further in has coded", async () => {
    const app = client(validator(gzip()(gzip()(validator(answers(() => [json], [["ETag", '"v1"']]))))));
    const response = await app.get("/", { headers: { "Accept-Encoding": "gzip" } });
    expect([response.headers.get("content-encoding"), response.headers.get("etag")]).toEqual(["gzip", '"v1-gzip"']);
    expect(decode("gzip", response.bytes)).toEqual(json);
  });
});

describe("gzip, HEAD", () => {
  it.each<[string, () => ResponseBody, HeaderList]>([
    ["an array", () => [json], []],
    ["an array that is left out, with its length", () => [], [["Content-Length", "4096"]]],
    ["a stream", () => [json].values(), []],
    ["a stream with its length", () => [json].values(), [["Content-Length", "4096"]]],
  ])("has the head of GET, without its length: %s", async (_what, body, headers) => {
    const app = http(answers(body, [...headers, ["ETag", '"v1"'], ["Accept-Ranges", "bytes"]]));
    const head = await app.head("/", { headers: every });
    expect(head.bytes.length).toBe(0);
    expect([...head.headers]).toEqual([
      ["Content-Type", "application/json"],
      ["ETag", '"v1-br"'],
      ["Vary", "Accept-Encoding"],
      ["Content-Encoding", "br"],
    ]);
    const small = http(answers(() => [json.subarray(0, 100)]));
    expect((await small.head("/", { headers: every })).headers.get("content-length")).toBe("100");
  });

  it("does no work, and goes by the method that came", async () => {
    const levels = { gzip: vi.fn<() => number>(() => 1) };
    const next = vi.fn<() => IteratorResult<Uint8Array>>(() => ({ done: false, value: json }));
    const body = (): ResponseBody => ({ [Symbol.iterator]: () => ({ next }) });
    const asGet: Application = (environ, startResponse) => {
      environ.REQUEST_METHOD = "GET";
      return answers(body)(environ, startResponse);
    };
    const response = await client(gzip({ levels })(asGet)).head("/", { headers: { "Accept-Encoding": "gzip" } });
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(next).toHaveBeenCalledTimes(1);
  });
});

describe("gzip, around all that an application may do", () => {
  it("takes a startResponse from inside the body", async () => {
    const late: Application = (_environ, startResponse) => {
      function* body(): Generator<Uint8Array> {
        yield Buffer.alloc(0);
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield json;
        yield json;
      }
      return body();
    };
    const lateAsync: Application = (_environ, startResponse) => {
      async function* body(): AsyncGenerator<Uint8Array> {
        await nextTurn();
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield json;
        await nextTurn();
        yield json;
      }
      return body();
    };
    for (const app of [late, lateAsync]) {
      for (const headers of [every, {}]) {
        const response = await http(app).get("/", { headers });
        expect(response.headers.get("vary")).toBe("Accept-Encoding");
        expect(decode(response.headers.get("content-encoding"), response.bytes)).toEqual(Buffer.concat([json, json]));
      }
    }
  });

  it("codes what is written with write(), before what is returned", async () => {
    const sync: Application = (_environ, startResponse) => {
      const write = startResponse("200 OK", [["Content-Type", "text/plain"]]);
      void write(json.subarray(0, 2000));
      return [json.subarray(2000)];
    };
    const async: Application = async (_environ, startResponse) => {
      const write = startResponse("200 OK", [["Content-Type", "text/plain"]]);
      const buffer = Buffer.from(json.subarray(0, 2000));
      await nextTurn();
      await write(buffer);
      // Its promise has resolved: the bytes may be changed.
      buffer.fill("!");
      await nextTurn();
      await write(json.subarray(2000, 2100));
      return [json.subarray(2100)];
    };
    for (const app of [sync, async]) {
      const response = await http(app).get("/", { headers: every });
      expect(response.headers.get("content-encoding")).toBe("br");
      expect(decode("br", response.bytes)).toEqual(json);
    }
  });

  it("does not code bytes that were changed after their write() had resolved", async () => {
    const app: Application = async (_environ, startResponse) => {
      const write = startResponse("200 OK", [["Content-Type", "text/plain"]]);
      const buffer = Buffer.alloc(100);
      // Its promise is what allows it: the write() of the synchronous part has none.
      await nextTurn();
      for (let i = 0; i < 20; i++) {
        buffer.fill(97 + i);
        await write(buffer);
      }
      return [];
    };
    // Without the validator inside, which would see the change itself.
    const response = await client(gzip()(app)).get("/", { headers: { "Accept-Encoding": "gzip" } });
    const expected = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(100)).join("");
    expect(decode("gzip", response.bytes).toString()).toBe(expected);
  });

  it("hands errors on, before and after the head, and closes what there is", async () => {
    const closed = vi.fn<() => void>();
    const before: Application = () => {
      throw new HTTPError(418, "short and stout");
    };
    const rejected: Application = async () => {
      await nextTurn();
      throw new HTTPError(418, "short and stout");
    };
    for (const app of [before, rejected]) {
      for (const headers of [every, {}]) expect((await http(app).get("/", { headers })).status).toBe(418);
    }
    const after: Application = answers(() => {
      async function* body(): AsyncGenerator<Uint8Array> {
        yield json;
        yield Buffer.alloc(0);
        await nextTurn();
        throw new Error("in the middle");
      }
      return onClose(body(), closed);
    });
    await expect(http(after).get("/", { headers: every, errors: "ignore" })).rejects.toThrow("was broken off");
    expect(closed).toHaveBeenCalledTimes(1);
  });

  it("takes a head that replaces another", async () => {
    const app: Application = (_environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "image/png"]]);
      startResponse("500 Oh", [["Content-Type", "text/html"]], new Error("too late for the first"));
      return [json];
    };
    const response = await http(app).get("/", { headers: every });
    expect([response.status, response.headers.get("content-encoding")]).toEqual([500, "br"]);
  });

  it("closes the body of the application once, however it is coded", async () => {
    for (const body of [
      (): ResponseBody => [json],
      (): ResponseBody => [text(200_000)],
      (): ResponseBody => [json].values(),
      (): ResponseBody => [Buffer.from("small")],
    ]) {
      for (const method of ["GET", "HEAD"]) {
        const closed = vi.fn<() => void>();
        await http(answers(() => onClose(body(), closed))).request(method, "/", { headers: every });
        expect(closed).toHaveBeenCalledTimes(1);
      }
    }
  });

  it("closes it also when an option throws, and reports that", async () => {
    const throws = (): never => {
      throw new Error("from an option");
    };
    for (const options of [{ skip: throws }, { compressible: throws }, { levels: { br: throws } }, { levels: { br: () => 12 } }]) {
      const closed = vi.fn<() => Promise<void>>(async () => {
        await nextTurn();
        throw new Error("second");
      });
      const app = http(
        answers(() => onClose([json], closed)),
        options,
      );
      const response = await app.get("/", { headers: every, errors: "expected" });
      expect(response.status).toBe(500);
      expect(response.errors).toMatch(/from an option|levels\.br is a whole number from 0 to 11, not 12/);
      expect(closed).toHaveBeenCalledTimes(1);
    }
  });

  it("closes it when the client has left while it was coded", async () => {
    const closed = vi.fn<() => void>();
    const left = new AbortController();
    const long = text(1_000_000);
    const app = http(
      answers(() => onClose([long], closed)),
      { skip: () => (left.abort(), false) },
    );
    const response = app.get("/", { headers: every, signal: left.signal });
    await expect(response).rejects.toThrow("left before");
    await eventually(() => closed.mock.calls.length > 0);
    expect(closed).toHaveBeenCalledTimes(1);
  });
});

describe("gzip, a stream", () => {
  it("throws where the body is not as long as it was announced", async () => {
    for (const [announced, message] of [
      ["5000", "the body ended after 4096 of the 5000 bytes of its Content-Length"],
      ["4000", "the body is longer than its Content-Length of 4000 bytes"],
    ] as const) {
      const app = client(gzip()(answers(() => [json].values(), [["Content-Length", announced]])), { validate: false });
      const response = await app.get("/", { headers: every, errors: "ignore" }).catch((error: unknown) => error);
      expect(JSON.stringify(response, ["errors", "status"]) + String(response)).toMatch(/500|broken off/);
      expect((response as { errors: string }).errors).toContain(message);
    }
  });

  it("pulls a chunk when one is asked for and never ahead", async () => {
    let pulled = 0;
    const gate = deferred();
    async function* body(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled++;
        // Nothing in it that could be made smaller.
        yield Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * i * pulled * 31) >> 5));
        if (pulled > 50) await gate.promise;
      }
    }
    const response = await http(answers(body)).open("GET", "/", { headers: { "Accept-Encoding": "gzip" } });
    for (let i = 0; i < 20; i++) await nextTurn();
    expect(pulled).toBeLessThan(4);
    response.abort();
    expect((await response.finished).outcome).toBe("gone");
    gate.resolve();
  });

  it("hands an empty chunk on as a flush, from a synchronous source too", async () => {
    function* body(): Generator<Uint8Array> {
      yield Buffer.from("one");
      yield Buffer.alloc(0);
      yield Buffer.from("two");
    }
    const answer = gzip()(answers(body))(buildEnviron({ headers: [["Accept-Encoding", "gzip"]] }), () => () => {});
    const chunks: Buffer[] = [];
    for await (const chunk of (await answer) as AsyncIterable<Uint8Array>) chunks.push(Buffer.from(chunk));
    const empty = chunks.findIndex((chunk) => chunk.length === 0);
    expect(empty).toBeGreaterThan(0);
    // All of the first word is there before the empty chunk, which ends with what a sync flush ends with.
    expect(Buffer.concat(chunks.slice(0, empty)).subarray(-4)).toEqual(Buffer.from([0, 0, 0xff, 0xff]));
    expect(decode("gzip", Buffer.concat(chunks)).toString()).toBe("onetwo");
  });
});

describe("the options of gzip", () => {
  it.each<[unknown, string]>([
    [{ codings: [] }, "gzip: codings is a list of one or more codings"],
    [{ codings: "gzip" }, "gzip: codings is a list of one or more codings"],
    [{ codings: ["lzma"] }, 'gzip: codings knows zstd, br, gzip, deflate, not "lzma"'],
    [{ codings: ["gzip", "gzip"] }, "gzip: codings names one twice"],
    [{ levels: { brotli: 4 } }, 'gzip: levels knows zstd, br, gzip, deflate, not "brotli"'],
    [{ levels: { br: 12 } }, "gzip: levels.br is a whole number from 0 to 11, not 12"],
    [{ levels: { gzip: 1.5 } }, "gzip: levels.gzip is a whole number from 0 to 9, not 1.5"],
    [{ levels: { deflate: "6" } }, "gzip: levels.deflate is a whole number from 0 to 9, not 6"],
    [{ thresholdBytes: -1 }, "gzip: thresholdBytes is a whole number of bytes from 0"],
    [{ syncBytes: Number.NaN }, "gzip: syncBytes is a whole number of bytes from 0"],
    [{ breachPaddingBytes: 65_536 }, "gzip: breachPaddingBytes is a whole number of bytes from 0 to 65535, not 65536"],
    [{ compressible: true }, "gzip: compressible is a function, not boolean"],
    [{ skip: "/events" }, "gzip: skip is a function, not string"],
    [{ random: 4 }, "gzip: random is a function, not number"],
  ])("refuses %j while wrapping", (options, message) => {
    expect(() => gzip(options as GzipOptions)).toThrow(message);
  });

  it("leaves zstd out where there is none", () => {
    expect(() => gzip({ codings: ["zstd"], levels: { zstd: 3 } })).not.toThrow();
  });
});
