import { buildEnviron, client } from "@gateway/testing";
import { describe, expect, it } from "vitest";
import { gzip } from "./gzip.ts";
import { answers, decode, deferred, every, http, json, nextTurn } from "./test-bodies.ts";

describe("gzip, of a stream,", () => {
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
