import type { Application, HeaderList, ResponseBody } from "@gateway/core";
import { client } from "@gateway/testing";
import { describe, expect, it, vi } from "vitest";
import { gzip } from "./gzip.ts";
import { answers, every, http, json } from "./test-bodies.ts";

describe("gzip, to HEAD,", () => {
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
