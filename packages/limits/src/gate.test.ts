import { ExchangeAborted, isHTTPError, type Exchange } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { Gate } from "./gate.ts";
import { TestClock } from "./test-clock.ts";

function exchangeOf(controller: AbortController): Exchange {
  return { signal: controller.signal, onEnd() {}, earlyHints() {} };
}

const options = { concurrency: 2, queue: 2, queueMilliseconds: 1000, retryAfterSeconds: 3 };

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("Gate", () => {
  it("lets so many in, and those who wait in the order in which they came", async () => {
    const gate = new Gate(options, new TestClock());
    expect([gate.enter(), gate.enter(), gate.enter()]).toEqual([true, true, false]);
    const order: string[] = [];
    const first = gate.wait(exchangeOf(new AbortController()), () => {}).then(() => order.push("first"));
    const second = gate.wait(exchangeOf(new AbortController()), () => {}).then(() => order.push("second"));
    expect([gate.inside, gate.waiting]).toEqual([2, 2]);
    gate.leave();
    expect([gate.inside, gate.waiting]).toEqual([2, 1]);
    gate.leave();
    await Promise.all([first, second]);
    expect(order).toEqual(["first", "second"]);
    gate.leave();
    gate.leave();
    expect([gate.inside, gate.waiting]).toEqual([0, 0]);
  });

  it("refuses when too many wait", () => {
    const gate = new Gate({ ...options, queue: 0 }, new TestClock());
    gate.enter();
    gate.enter();
    const told: string[] = [];
    let error: unknown;
    try {
      void gate.wait(exchangeOf(new AbortController()), (why) => told.push(why));
    } catch (thrown) {
      error = thrown;
    }
    expect(isHTTPError(error) && [error.status, error.headers]).toEqual(["503 Service Unavailable", [["Retry-After", "3"]]]);
    expect(told).toEqual(["full"]);
  });

  it("refuses who waited too long, and no one else", async () => {
    const clock = new TestClock();
    const gate = new Gate(options, clock);
    gate.enter();
    gate.enter();
    const told: string[] = [];
    const waiting = failure(gate.wait(exchangeOf(new AbortController()), (why) => told.push(why)));
    clock.advance(1100);
    const error = await waiting;
    expect(isHTTPError(error) && error.status).toBe("503 Service Unavailable");
    expect(told).toEqual(["waited"]);
    expect([gate.inside, gate.waiting]).toEqual([2, 0]);
    gate.leave();
    expect(gate.inside).toBe(1);
  });

  it("lets a client that leaves out of the queue, wherever it stands", async () => {
    const gate = new Gate(options, new TestClock());
    gate.enter();
    gate.enter();
    const [leaving, staying] = [new AbortController(), new AbortController()];
    const left = failure(gate.wait(exchangeOf(leaving), () => {}));
    const stayed = gate.wait(exchangeOf(staying), () => {});
    const reason = new ExchangeAborted("CLIENT_GONE");
    leaving.abort(reason);
    expect(await left).toBe(reason);
    expect(gate.waiting).toBe(1);
    gate.leave();
    await stayed;
    expect([gate.inside, gate.waiting]).toEqual([2, 0]);
    // Nothing listens any more.
    staying.abort(reason);
    expect(gate.inside).toBe(2);
  });

  it("answers who waits when the server stops, and who has left already at once", async () => {
    const gate = new Gate({ ...options, concurrency: 1 }, new TestClock());
    gate.enter();
    const stopping = new AbortController();
    const waiting = failure(gate.wait(exchangeOf(stopping), () => {}));
    stopping.abort(new ExchangeAborted("SERVER_STOPPING"));
    expect(isHTTPError(await waiting)).toBe(true);
    expect(await failure(gate.wait(exchangeOf(stopping), () => {}))).toBeInstanceOf(Error);
    expect(gate.waiting).toBe(0);
  });
});
