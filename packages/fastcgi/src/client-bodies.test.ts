import { eventually, turns } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { ask, hello, post, served } from "./test-client.ts";

describe("the body of a request over FastCGI", () => {
  it("pulls a body as the server takes it, and makes the server wait for whoever reads", async () => {
    let pulled = 0;
    const chunk = Buffer.alloc(64 * 1024, "x");
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pulled++;
        yield chunk;
      }
    }
    let read = 0;
    let goOn = (): void => {};
    const { client } = await served(async function* slowly(environ, startResponse) {
      startResponse("200 OK", []);
      yield Buffer.from("x");
      await new Promise<void>((resolve) => (goOn = resolve));
      for await (const piece of environ["wsgi.input"]) {
        read += piece.length;
        yield piece;
      }
    });
    const response = await client.request(post(endless()));
    let before = -1;
    // Until nothing moves any more: the system has buffers of its own.
    while (pulled !== before) {
      before = pulled;
      await turns(200);
    }
    expect(pulled).toBeLessThan(400);
    goOn();
    await eventually(() => read > 0);
    let moved = -1;
    while (read !== moved) {
      moved = read;
      await turns(200);
    }
    // Nobody reads the response: the application is not asked for more.
    expect(read).toBeLessThan(30 * 1024 * 1024);
    let received = 0;
    for await (const piece of response.body) {
      received += piece.byteLength;
      if (received > read) break;
    }
  });

  it("stops pulling a body when the response is there", async () => {
    let returned = 0;
    const body: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          returned++;
          return { done: true, value: undefined };
        },
      }),
    };
    const { client, accepted } = await served(hello);
    expect(await ask(client, post(body))).toBe("hello /");
    expect(returned).toBe(1);
    // What was cut off must not be taken for a part of the next request.
    expect(await ask(client)).toBe("hello /");
    expect(accepted()).toBe(2);
  });

  it("rejects with what the body throws, and for a body that is not as long as it should be", async () => {
    const { client } = await served(async (environ, startResponse) => {
      await environ["wsgi.input"].read();
      return hello(environ, startResponse);
    });
    function* throws(): Generator<Uint8Array> {
      yield Buffer.from("half");
      throw new Error("on purpose");
    }
    await expect(client.request(post(throws()))).rejects.toThrow("on purpose");
    await expect(client.request(post([Buffer.from("abc")], 4))).rejects.toThrow(RangeError);
    await expect(client.request(post([Buffer.from("abc")], 2))).rejects.toThrow(RangeError);
    await expect(client.request(post(["abc"] as unknown as Uint8Array[]))).rejects.toThrow(TypeError);
    expect(await ask(client)).toBe("hello /");
  });
});
