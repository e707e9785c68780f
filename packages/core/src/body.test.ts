import { describe, expect, it } from "vitest";
import { closeOnce, discard, onClose } from "./body.ts";
import type { ResponseBody } from "./contract.ts";
import { bytes, deferred, microtasks, plain, respond, TestBody, TestExchange, TestSource } from "./test-sink.ts";

const fail = (): never => {
  throw new Error("release");
};

describe("onClose", () => {
  it("keeps an array an array, and copies it: it may be a constant", async () => {
    const calls: string[] = [];
    const constant: ResponseBody = [bytes("a"), bytes("b")];
    const body = onClose(constant, () => void calls.push("release"));
    expect(Array.isArray(body)).toBe(true);
    expect([...(body as Uint8Array[])]).toEqual(constant);
    expect("close" in constant).toBe(false);
    const { sink } = await respond((_, startResponse) => {
      startResponse("200 OK", plain());
      return body;
    });
    expect([sink.received?.length, calls]).toEqual([2, ["release"]]);
  });

  it("keeps a stream the kind it is, with return() and close() handed on", async () => {
    const sync = new TestBody(["a", "b"]);
    const async = new TestSource();
    const syncBody = onClose(sync, () => void sync.calls.push("release"));
    const asyncBody = onClose(async, () => void async.calls.push("release"));
    expect([Symbol.iterator in syncBody, Symbol.asyncIterator in syncBody]).toEqual([true, false]);
    expect([Symbol.iterator in asyncBody, Symbol.asyncIterator in asyncBody]).toEqual([false, true]);
    for (const body of [syncBody, asyncBody]) {
      const exchange = new TestExchange((_, startResponse) => {
        startResponse("200 OK", [["Content-Length", "1"]]);
        return body;
      });
      async.push("a");
      async.push("b");
      await exchange.done();
    }
    expect(sync.calls).toEqual(["next", "next", "return", "close", "release"]);
    expect(async.calls).toEqual(["next", "next", "return", "close", "release"]);
  });

  it("releases where the body was never iterated", () => {
    const body = new TestBody(["a"]);
    void onClose(body, () => void body.calls.push("release")).close?.();
    expect(body.calls).toEqual(["close", "release"]);
  });

  it.each([undefined, null, 5, "text", new Uint8Array(2), {}])(
    "lets what is no body fail where it is iterated, and releases: %j",
    async (none) => {
      let released = 0;
      const { sink, errors } = await respond((_, startResponse) => {
        startResponse("200 OK", plain());
        return onClose(none as ResponseBody, () => void released++);
      });
      expect([sink.received?.code, released]).toEqual([500, 1]);
      expect(errors).toMatch(/^GET \/: TypeError: the (?:application returned|body is)/);
    },
  );

  it("nests: the innermost is released first", async () => {
    const order: number[] = [];
    const inner = onClose([bytes("a")], () => void order.push(1));
    await respond((_, startResponse) => {
      startResponse("200 OK", plain());
      return onClose(
        onClose(inner, () => void order.push(2)),
        () => void order.push(3),
      );
    });
    expect(order).toEqual([1, 2, 3]);
  });
});

describe("closeOnce", () => {
  const body = (close: () => void | Promise<void>): ResponseBody => Object.assign([], { close });

  it("closes and releases once, in that order, and synchronously where both are", () => {
    const calls: string[] = [];
    const close = closeOnce(
      body(() => void calls.push("close")),
      () => void calls.push("release"),
    );
    expect([close(), close()]).toEqual([undefined, undefined]);
    expect(calls).toEqual(["close", "release"]);
  });

  it("releases when the promise of close() has settled", async () => {
    const closed = deferred();
    const released: string[] = [];
    const closing = closeOnce(
      body(() => closed.promise),
      () => void released.push("release"),
    )();
    await microtasks();
    expect(released).toEqual([]);
    closed.resolve();
    await closing;
    expect(released).toEqual(["release"]);
  });

  it("releases also when close() failed, and throws that", async () => {
    const error = new Error("close");
    const released: number[] = [];
    const throwing = body(() => {
      throw error;
    });
    const rejecting = body(() => Promise.reject(error));
    expect(() => closeOnce(throwing, () => void released.push(1))()).toThrow(error);
    await expect(closeOnce(throwing, async () => void released.push(2))()).rejects.toBe(error);
    await expect(closeOnce(rejecting, () => void released.push(3))()).rejects.toBe(error);
    await expect(closeOnce(rejecting, async () => void released.push(4))()).rejects.toBe(error);
    expect(released).toEqual([1, 2, 3, 4]);
  });

  it("throws what came first when both fail", async () => {
    const error = new Error("close");
    const throwing = body(() => {
      throw error;
    });
    expect(closeOnce(throwing, fail)).toThrow(error);
    await expect(closeOnce(throwing, () => Promise.reject(new Error("release")))()).rejects.toBe(error);
    await expect(
      closeOnce(
        body(() => Promise.reject(error)),
        fail,
      )(),
    ).rejects.toBe(error);
  });

  it("throws what release throws when nothing else failed", async () => {
    expect(closeOnce([], fail)).toThrow("release");
    await expect(
      closeOnce(
        body(async () => {}),
        fail,
      )(),
    ).rejects.toThrow("release");
  });
});

describe("discard", () => {
  it("closes, and tells what fails, whenever that is", async () => {
    const failed: unknown[] = [];
    const tell = (error: unknown): void => void failed.push(error);
    const body = new TestBody([]);
    discard(body, tell);
    discard([], tell);
    discard(undefined as never, tell);
    discard(Object.assign([], { close: fail }), tell);
    discard(Object.assign([], { close: () => Promise.reject(new Error("later")) }), tell);
    await microtasks();
    expect([body.calls, failed.map(String)]).toEqual([["close"], ["Error: release", "Error: later"]]);
  });
});
