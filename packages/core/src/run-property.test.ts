import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Application, HeaderList, ResponseBody, StartResponse, Write } from "./contract.ts";
import { HTTPError } from "./http-error.ts";
import { capture, send } from "./capture.ts";
import { onClose } from "./body.ts";
import { bytes, deferred, microtasks, type SinkCall, TestExchange } from "./test-sink.ts";
import { whenReady } from "./thenable.ts";
import { transformBody } from "./transform.ts";

// Any application, and anything that may happen to its sink meanwhile: what `run` owes to both must hold all the same.

type Step = "start" | "restart" | "push" | "write" | "write empty" | "wait" | "throw" | "throw HTTPError" | "bad head";
type BodyStep = "chunk" | "empty" | "long chunk" | "wait" | "throw" | "start" | "restart" | "bad chunk" | "push";
type Event = "go" | "unblock" | "block" | "pend" | "gone" | "cancel";
type Kind = "array" | "sync" | "async" | "iterator" | "undefined" | "string";
type Close = "none" | "sync" | "throws" | "rejects" | "async";

type Layer = "capture" | "transform" | "transform async" | "onClose";

interface Scenario {
  layers: Layer[];
  method: string;
  status: string;
  length: number | undefined;
  isAsync: boolean;
  swallows: boolean;
  steps: Step[];
  kind: Kind;
  body: BodyStep[];
  close: Close;
  blocking: boolean;
  endPending: boolean;
  events: Event[];
  goneInside: [SinkCall, number] | undefined;
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  layers: fc.oneof(
    fc.constant<Layer[]>([]),
    fc.array(fc.constantFrom<Layer[]>("capture", "transform", "transform async", "onClose"), { maxLength: 3 }),
  ),
  method: fc.constantFrom("GET", "GET", "GET", "HEAD"),
  status: fc.constantFrom("200 OK", "200 OK", "200 OK", "204 No Content", "304 Not Modified"),
  length: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
  isAsync: fc.boolean(),
  swallows: fc.boolean(),
  steps: fc.array(
    fc.constantFrom<Step[]>(
      "start",
      "start",
      "restart",
      "push",
      "write",
      "write empty",
      "wait",
      "throw",
      "throw HTTPError",
      "bad head",
    ),
    { maxLength: 5 },
  ),
  kind: fc.constantFrom<Kind[]>("array", "sync", "async", "iterator", "undefined", "string"),
  body: fc.array(
    fc.constantFrom<BodyStep[]>("chunk", "chunk", "empty", "long chunk", "wait", "throw", "start", "restart", "bad chunk", "push"),
    { maxLength: 6 },
  ),
  close: fc.constantFrom<Close[]>("none", "sync", "throws", "rejects", "async"),
  blocking: fc.boolean(),
  endPending: fc.boolean(),
  events: fc.array(fc.constantFrom<Event[]>("go", "go", "unblock", "unblock", "block", "pend", "gone", "cancel"), { maxLength: 8 }),
  goneInside: fc.option(fc.tuple(fc.constantFrom<SinkCall[]>("head", "write", "end"), fc.integer({ min: 1, max: 3 })), {
    nil: undefined,
  }),
});

/** An application as the scenario wants it, and what was done to its body. */
class Puppet {
  readonly #scenario: Scenario;
  readonly #gates: (() => void)[] = [];
  #open = false;
  #startResponse: StartResponse = () => () => {};
  #write: Write = () => {};
  #headers: HeaderList = [];
  handedOver = 0;
  closed = 0;
  /** Calls of next() that came when the body had been left or closed. */
  lateNext = 0;
  #left = false;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** Lets what waits go on. */
  go(): void {
    this.#gates.shift()?.();
  }

  goForGood(): void {
    this.#open = true;
    for (const gate of this.#gates.splice(0)) gate();
  }

  readonly app: Application = (_, startResponse) => {
    this.#startResponse = startResponse;
    if (this.#scenario.isAsync) return this.#runAsync();
    for (const step of this.#scenario.steps) if (step !== "wait") void this.#do(step);
    return this.#body();
  };

  async #runAsync(): Promise<ResponseBody> {
    for (const step of this.#scenario.steps) {
      if (step === "wait") await this.#gate();
      else await this.#do(step);
    }
    return this.#body();
  }

  #gate(): Promise<void> {
    if (this.#open) return Promise.resolve();
    const gate = deferred();
    this.#gates.push(() => gate.resolve());
    return gate.promise;
  }

  #start(excInfo?: unknown, status = this.#scenario.status): void {
    this.#headers = [["Content-Type", "text/plain"]];
    const { length } = this.#scenario;
    if (length !== undefined) this.#headers.push(["Content-Length", `${length}`]);
    this.#write = this.#startResponse(status, this.#headers, excInfo);
  }

  #do(step: Step): void | Promise<void> {
    try {
      switch (step) {
        case "start":
          return this.#start();
        case "restart":
          return this.#start(new Error("excInfo"), "500 Internal Server Error");
        case "push":
          this.#headers.push(["X-Late", "1"]);
          return undefined;
        case "write":
          return this.#write(bytes("w"));
        case "write empty":
          return this.#write(bytes(""));
        case "throw":
          throw new Error("thrown");
        case "throw HTTPError":
          throw new HTTPError(404);
        case "bad head":
          return this.#start(undefined, "bad");
        default:
          return undefined;
      }
    } catch (error) {
      if (this.#scenario.swallows) return undefined;
      throw error;
    }
  }

  #chunk(step: BodyStep): Uint8Array {
    switch (step) {
      case "throw":
        throw new Error("in the body");
      case "start":
        this.#start();
        return bytes("");
      case "restart":
        this.#start(new Error("excInfo"));
        return bytes("");
      case "push":
        this.#headers.push(["Bad", "a\nb"]);
        return bytes("");
      case "bad chunk":
        return "text" as unknown as Uint8Array;
      case "chunk":
        return bytes("c");
      case "long chunk":
        return bytes("long chunk");
      default:
        return bytes("");
    }
  }

  #body(): ResponseBody {
    this.handedOver++;
    const { close, kind, body } = this.#scenario;
    const end = { close: close === "none" ? undefined : (): void | Promise<void> => this.#close() };
    if (kind === "undefined") return undefined as unknown as ResponseBody;
    if (kind === "string") return "text" as unknown as ResponseBody;
    if (kind === "array")
      return Object.assign(
        body.filter((step) => !["throw", "start", "restart"].includes(step)).map((step) => this.#chunk(step)),
        end,
      );
    const steps = body.values();
    const next = (): IteratorResult<Uint8Array> => {
      const step = steps.next();
      return step.done === true ? { done: true, value: undefined } : { done: false, value: this.#chunk(step.value) };
    };
    const watched = (): void => {
      if (this.#left || this.closed > 0) this.lateNext++;
    };
    const leave = (): void => {
      this.#left = true;
    };
    if (kind === "async") {
      const asyncNext = async (): Promise<IteratorResult<Uint8Array>> => {
        watched();
        await this.#gate();
        return next();
      };
      const left = async (): Promise<IteratorResult<Uint8Array>> => {
        leave();
        return { done: true, value: undefined };
      };
      return { [Symbol.asyncIterator]: () => ({ next: asyncNext, return: left }), ...end };
    }
    const syncNext = (): IteratorResult<Uint8Array> => {
      watched();
      return next();
    };
    if (kind === "iterator") return { [Symbol.iterator]: () => ({ next: syncNext }), ...end };
    const left = (): IteratorResult<Uint8Array> => {
      leave();
      return { done: true, value: undefined };
    };
    return { [Symbol.iterator]: () => ({ next: syncNext, return: left }), ...end };
  }

  #close(): void | Promise<void> {
    this.closed++;
    if (this.#scenario.close === "throws") throw new Error("close");
    if (this.#scenario.close === "rejects") return Promise.reject(new Error("close"));
    if (this.#scenario.close === "async") return this.#gate();
    return undefined;
  }
}

/** A layer that changes nothing, made with one of the helpers; `released` counts how often what it held was released. */
function wrap(app: Application, layer: Layer, released: (change: number) => void): Application {
  return (environ, startResponse) => {
    if (layer === "capture") return whenReady(capture(app, environ), (response) => send(response, startResponse));
    return whenReady(app(environ, startResponse), (body) => {
      released(1);
      const close = (): void => released(-1);
      if (layer === "onClose") return onClose(body, close);
      if (layer === "transform") return transformBody(body, { chunk: (chunk) => [chunk], close });
      return transformBody(body, { async: true, chunk: async (chunk) => [chunk], flush: async () => undefined, close });
    });
  };
}

describe("run", () => {
  it("owes the sink, the body and the listeners the same, whatever the application does and when the client leaves", async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async (scenario) => {
        const puppet = new Puppet(scenario);
        const signals: unknown[] = [];
        let held = 0;
        const onion = scenario.layers.reduce((app, layer) => wrap(app, layer, (change) => (held += change)), puppet.app);
        const exchange = new TestExchange(onion, scenario.method, ({ sink }) => {
          sink.blocking = scenario.blocking;
          sink.endPending = scenario.endPending;
        });
        const { sink, running } = exchange;
        exchange.environ["gateway.exchange"].signal.addEventListener("abort", () => signals.push("abort"));
        let left = false;
        const leave = (): void => {
          if (exchange.endings.length === 0 && running !== undefined) left = true;
          exchange.leave();
        };
        const { goneInside } = scenario;
        sink.inside = (call, count) => {
          if (running !== undefined && call === goneInside?.[0] && count === goneInside[1]) leave();
        };
        for (const event of scenario.events) {
          if (event === "go") puppet.go();
          else if (event === "unblock") sink.unblock();
          else if (event === "block") sink.blocking = true;
          else if (event === "pend") sink.endPending = true;
          else if (event === "cancel") running?.cancel(exchange.reason);
          else if (!sink.isGone && running !== undefined) leave();
          await microtasks(20);
        }
        sink.blocking = false;
        sink.endPending = false;
        sink.unblock();
        puppet.goForGood();
        await microtasks();
        sink.unblock();
        await running?.done;
        await microtasks();

        expect(sink.breaches).toEqual([]);
        expect(exchange.endings).toHaveLength(1);
        expect(puppet.closed).toBe(
          scenario.close === "none" || ["undefined", "string"].includes(scenario.kind) ? 0 : puppet.handedOver,
        );
        expect(puppet.lateNext).toBe(0);
        expect(held).toBe(0);
        const { ending } = exchange;
        if (!left) expect(sink.isOver).toBe(true);
        if (ending?.outcome === "gone") expect(left).toBe(true);
        if (ending?.outcome === "finished") expect([sink.calls.at(-1), ending.reason]).toEqual(["end", undefined]);
        if (ending?.outcome === "failed") expect(exchange.errors === "" && !scenario.events.includes("cancel")).toBe(false);
        expect(ending?.bodyBytes).toBe(sink.body.length);
        expect(ending?.status).toBe(sink.received?.status ?? "");
        expect(signals.length).toBe(ending?.outcome === "gone" || signals.length > 0 ? 1 : 0);
        expect(exchange.errors).not.toContain("the client left");
      }),
      { numRuns: 3000, seed: 3333 },
    );
  });
});
