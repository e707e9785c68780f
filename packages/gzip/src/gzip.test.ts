import type { Application, HeaderList, ResponseBody } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { availableCodings } from "./codings.ts";
import type { Answer } from "./gzip-options.ts";
import { gzip, type GzipOptions } from "./gzip.ts";
import { answers, between, decode, every, http, json, text } from "./test-bodies.ts";

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
