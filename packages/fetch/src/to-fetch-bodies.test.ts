import { setImmediate as turn } from "node:timers/promises";
import type { Application, Ending } from "@gateway/core";
import { errorsTo } from "@gateway/testing/conformance";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { toFetch } from "./to-fetch.ts";

const text: readonly [string, string] = ["Content-Type", "text/plain"];
const encoder = new TextEncoder();

function upload(body: ReadableStream<Uint8Array>): Request {
  return new Request("http://a/", { method: "POST", body, duplex: "half" } as RequestInit);
}

async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await turn();
}

describe("the body of a Request, behind toFetch", () => {
  it("is refused with advice where it is locked, and only when it is read", async () => {
    const written: string[] = [];
    const options = { errors: errorsTo((line) => written.push(line)) };
    const reads: Application = async (environ) => [await environ["wsgi.input"].read()];
    const leaves: Application = (_environ, startResponse) => {
      startResponse("200 OK", [[...text]]);
      return [encoder.encode("not read")];
    };
    const request = new Request("http://a/", { method: "POST", body: "taken" });
    request.body?.getReader();
    expect((await toFetch(reads, options)(request)).status).toBe(500);
    expect(written.join("")).toContain("request.clone()");
    expect(await (await toFetch(validator(leaves))(request)).text()).toBe("not read");
  });

  it("gives its bytes once, and its end again and again", async () => {
    const twice: Application = async (environ, startResponse) => {
      const first = await environ["wsgi.input"].read();
      const second = await environ["wsgi.input"].read();
      startResponse("200 OK", [[...text]]);
      return [encoder.encode(`${first.length} ${second.length}`)];
    };
    const response = await toFetch(validator(twice))(new Request("http://a/", { method: "POST", body: "12345" }));
    expect(await response.text()).toBe("5 0");
  });

  it("never looks as if it had ended when the client leaves while it is read", async () => {
    const reads: string[] = [];
    const app: Application = (environ, startResponse) => {
      environ["wsgi.input"].read().then(
        (bytes) => reads.push(`ended after ${bytes.length}`),
        (error: { code?: unknown }) => reads.push(String(error.code)),
      );
      startResponse("200 OK", [[...text]]);
      return (async function* body() {
        yield encoder.encode("begun");
        await new Promise(() => {});
      })();
    };
    let cancelled: unknown;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode("part")),
      cancel: (reason: { code?: unknown }) => {
        cancelled = reason.code;
      },
    });
    const reader = (await toFetch(validator(app))(upload(body))).body?.getReader();
    await reader?.read();
    await reader?.cancel("enough");
    await turns();
    expect([reads, cancelled]).toEqual([["CLIENT_GONE"], "CLIENT_GONE"]);
  });

  it("is pulled no faster than the application reads", async () => {
    let given = 0;
    let go = (): void => {};
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const slow: Application = async (environ, startResponse) => {
      await environ["wsgi.input"].read(1);
      await gate;
      const rest = await environ["wsgi.input"].read();
      startResponse("200 OK", [[...text]]);
      return [encoder.encode(`${rest.length + 1}`)];
    };
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          if (given === 50) return controller.close();
          given++;
          controller.enqueue(new Uint8Array(16 * 1024));
        },
      },
      { highWaterMark: 0 },
    );
    const answer = toFetch(validator(slow))(upload(body));
    await turns();
    expect(given).toBeLessThanOrEqual(2);
    go();
    expect(await (await answer).text()).toBe(`${50 * 16 * 1024}`);
  });

  it("rejects the read when it breaks off, which is answered 400", async () => {
    const reads: Application = async (environ) => [await environ["wsgi.input"].read()];
    let isBegun = false;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (isBegun) controller.error(new Error("reset on purpose"));
        else controller.enqueue(encoder.encode("part"));
        isBegun = true;
      },
    });
    const written: string[] = [];
    const handler = toFetch(validator(reads), { errors: errorsTo((line) => written.push(line)) });
    expect((await handler(upload(body))).status).toBe(400);
    expect(written.join("")).toContain("reset on purpose");
  });
});

describe("the body of a Response that toFetch makes", () => {
  it("does not wait for the end of an application that has given every byte of its length", async () => {
    let finish = (): void => {};
    const endings: Ending[] = [];
    const lingers: Application = async function* lingers(environ, startResponse) {
      environ["gateway.exchange"].onEnd((ending) => endings.push(ending));
      startResponse("200 OK", [[...text], ["Content-Length", "5"]]);
      yield encoder.encode("hello");
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    };
    const response = await toFetch(validator(lingers))(new Request("http://a/"));
    const reader = response.body?.getReader();
    expect([response.headers.get("content-length"), new TextDecoder().decode((await reader?.read())?.value)]).toEqual([
      "5",
      "hello",
    ]);
    expect(endings).toEqual([]);
    finish();
    expect((await reader?.read())?.done).toBe(true);
    await turns();
    expect(endings.map(({ outcome, bodyBytes }) => [outcome, bodyBytes])).toEqual([["finished", 5]]);
  });

  it("does so for an application that returns at once and goes on in its body", async () => {
    let isOver = false;
    const lingers: Application = (_environ, startResponse) => {
      const write = startResponse("200 OK", [[...text], ["Content-Length", "7"]]);
      void write(encoder.encode("written"));
      return (async function* body() {
        await turn();
        isOver = true;
        yield encoder.encode("");
      })();
    };
    const response = await toFetch(validator(lingers))(new Request("http://a/"));
    expect(isOver).toBe(false);
    expect(await response.text()).toBe("written");
  });

  it("is one with its bytes where a generator ends behind its only chunk", async () => {
    const endings: Ending[] = [];
    const one: Application = async function* one(environ, startResponse) {
      environ["gateway.exchange"].onEnd((ending) => endings.push(ending));
      startResponse("200 OK", [[...text], ["Content-Length", "3"]]);
      yield encoder.encode("one");
    };
    const response = await toFetch(validator(validator(one)))(new Request("http://a/"));
    // Of a stream, the end is told when it has been read.
    expect(endings.map(({ outcome }) => outcome)).toEqual(["finished"]);
    expect(await response.text()).toBe("one");
  });

  it.each([
    ["too short", ["abc"]],
    ["too long", ["abc", "def"]],
  ])("breaks off where it is %s for its Content-Length", async (_name, chunks) => {
    const written: string[] = [];
    const wrong: Application = async function* wrong(_environ, startResponse) {
      startResponse("200 OK", [[...text], ["Content-Length", "5"]]);
      for (const chunk of chunks) {
        await turn();
        yield encoder.encode(chunk);
      }
    };
    const response = await toFetch(wrong, { errors: errorsTo((line) => written.push(line)) })(new Request("http://a/"));
    await expect(response.text()).rejects.toThrow("broke off");
    expect(written.join("")).toContain("Content-Length");
  });
});
