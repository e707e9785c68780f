import type { Ending } from "@gateway/core";
import { abortCode, bytes, closing, closingArray, departure, plain } from "../apps.ts";
import type { ConformanceCase, Probe } from "../types.ts";

const area = "close";

/** Notes how the exchange ended. */
function ending(probe: Probe): (ending: Ending) => void {
  return ({ outcome, status }) => probe.note(`ended: ${outcome} ${status}`.trim());
}

/** An endless body that notes who stops it. */
function endless(probe: Probe, size: number): AsyncIterable<Uint8Array> & { close(): void } {
  return {
    [Symbol.asyncIterator]() {
      return {
        next: async () => ({ done: false, value: new Uint8Array(size) }),
        async return() {
          probe.note("return");
          return { done: true, value: undefined };
        },
      };
    },
    close: () => probe.note("close"),
  };
}

/** How a response ends: `close()`, `return()`, the listeners of the exchange, and its signal. */
export const closeCases: readonly ConformanceCase[] = [
  {
    area,
    name: "closes an array",
    request: {},
    app: (probe) => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return closingArray([bytes("hello")], () => probe.note("close"));
    },
    expect: { status: 200, headers: { equals: { "Content-Length": "5" } }, body: "hello", notes: ["close"] },
  },
  {
    area,
    name: "closes a stream after its last chunk",
    request: {},
    app: (probe) => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      const chunks = (function* body() {
        yield bytes("one ");
        yield bytes("two");
        probe.note("last chunk");
      })();
      return closing(chunks, () => probe.note("close"));
    },
    expect: { status: 200, body: "one two", notes: ["last chunk", "close"] },
  },
  {
    area,
    name: "runs the finally of an async generator",
    request: {},
    app: (probe) =>
      async function* body(_environ, startResponse) {
        try {
          startResponse("200 OK", plain());
          yield bytes("one ");
          yield bytes("two");
        } finally {
          probe.note("finally");
        }
      },
    expect: { status: 200, body: "one two", notes: ["finally"] },
  },
  {
    area,
    name: "waits for an asynchronous close() before it tells the listeners",
    request: {},
    app: (probe) => (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(ending(probe));
      startResponse("200 OK", plain());
      return closing([bytes("hello")], async () => {
        probe.note("close begins");
        await Promise.resolve();
        probe.note("close ends");
      });
    },
    expect: { status: 200, body: "hello", notes: ["close begins", "close ends", "ended: finished 200 OK"] },
  },
  {
    area,
    name: "closes a body that fails before the head",
    request: {},
    app: (probe) => (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(ending(probe));
      startResponse("200 OK", plain());
      const chunks: Iterable<Uint8Array> = {
        [Symbol.iterator]: () => ({
          next() {
            throw new Error("no first chunk");
          },
        }),
      };
      return closing(chunks, () => probe.note("close"));
    },
    expect: { status: 500, notes: ["close", "ended: failed 500 Internal Server Error"], errors: "some" },
  },
  {
    area,
    name: "closes a body that fails in the middle",
    request: {},
    app: (probe) => (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(ending(probe));
      startResponse("200 OK", plain());
      const chunks = (function* body() {
        yield bytes("begun");
        throw new Error("broken");
      })();
      return closing(chunks, () => probe.note("close"));
    },
    expect: { status: 200, body: "begun", truncated: true, notes: ["close", "ended: failed 200 OK"], errors: "some" },
  },
  {
    area,
    name: "closes what it cannot send",
    request: {},
    breaks: true,
    app: (probe) => (_environ, startResponse) => {
      startResponse("200 OK", plain(["Content-Length", "3"]));
      return closingArray([bytes("hello")], () => probe.note("close"));
    },
    expect: { status: 500, notes: ["close"], errors: "some" },
  },
  {
    area,
    name: "stops and closes a stream that HEAD does not need",
    request: { method: "HEAD" },
    app: (probe) => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return endless(probe, 10);
    },
    expect: { status: 200, body: "", notes: ["return", "close"] },
  },
  {
    area,
    name: "closes the body of a 204",
    request: {},
    app: (probe) => (_environ, startResponse) => {
      startResponse("204 No Content", []);
      return closingArray([], () => probe.note("close"));
    },
    expect: { status: 204, body: "", notes: ["close"] },
  },
  {
    area,
    name: "tells the listeners in order that the response was sent",
    request: {},
    app: (probe) => (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(({ outcome, status, bodyBytes }) => probe.note(`first: ${outcome} ${status} ${bodyBytes}`));
      environ["gateway.exchange"].onEnd(({ startedAt = 0, headAt = 0, endedAt = 0 }) => {
        probe.note(`second: ${startedAt > 0 && startedAt <= headAt && headAt <= endedAt}`);
      });
      startResponse("201 Created", plain());
      return [bytes("hello")];
    },
    expect: { status: 201, body: "hello", notes: ["first: finished 201 Created 5", "second: true"] },
  },
  {
    area,
    name: "tells the listeners that the application failed, and how much went out",
    request: {},
    app: (probe) =>
      function* broken(environ, startResponse) {
        environ["gateway.exchange"].onEnd(({ outcome, bodyBytes, reason }) => {
          probe.note(`${outcome} ${bodyBytes} ${reason instanceof Error ? reason.message : "no reason"}`);
        });
        startResponse("200 OK", plain());
        yield bytes("begun");
        throw new Error("broken");
      },
    expect: { status: 200, body: "begun", truncated: true, notes: ["failed 5 broken"], errors: "some" },
  },
  {
    area,
    name: "reports a listener that throws, and tells the others",
    request: {},
    app: (probe) => (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(() => {
        throw new Error("a bad listener");
      });
      environ["gateway.exchange"].onEnd(ending(probe));
      startResponse("200 OK", plain());
      return [bytes("hello")];
    },
    expect: { status: 200, body: "hello", notes: ["ended: finished 200 OK"], errors: "some", errorsWith: ["a bad listener"] },
  },
  {
    area,
    name: "does not abort the signal of a response that was sent",
    request: {},
    app: (probe) => (environ, startResponse) => {
      const { signal } = environ["gateway.exchange"];
      environ["gateway.exchange"].onEnd(() => probe.note(`aborted: ${signal.aborted}`));
      startResponse("200 OK", plain());
      return [bytes("hello")];
    },
    expect: { status: 200, body: "hello", notes: ["aborted: false"] },
  },
  {
    area,
    name: "stops and closes the stream of a client that left after the head",
    request: { leave: "head" },
    app: (probe) => (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(ending(probe));
      startResponse("200 OK", plain());
      return endless(probe, 16 * 1024);
    },
    expect: { status: 200, notes: ["return", "close", "ended: gone 200 OK"] },
  },
  {
    area,
    name: "stops and closes the stream of a client that left in the middle",
    request: { leave: 100_000 },
    app: (probe) => (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(({ outcome, reason }) => probe.note(`${outcome} ${abortCode(reason)}`));
      startResponse("200 OK", plain());
      return endless(probe, 16 * 1024);
    },
    expect: { status: 200, body: new Uint8Array(64 * 1024 * 1024), notes: ["return", "close", "gone CLIENT_GONE"] },
  },
  {
    area,
    name: "closes a synchronous stream of a client that left",
    request: { leave: 100_000 },
    app: (probe) => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      const chunks = (function* body() {
        try {
          for (;;) yield new Uint8Array(16 * 1024);
        } finally {
          probe.note("finally");
        }
      })();
      return closing(chunks, () => probe.note("close"));
    },
    expect: { status: 200, notes: ["finally", "close"] },
  },
  {
    area,
    name: "closes a stream whose next chunk never comes when the client leaves",
    request: { leave: { afterNote: "waiting" } },
    app: (probe) => (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(ending(probe));
      startResponse("200 OK", plain());
      let first = true;
      return {
        [Symbol.asyncIterator]() {
          return {
            next() {
              if (first) {
                first = false;
                return Promise.resolve({ done: false, value: bytes("one") });
              }
              probe.note("waiting");
              return new Promise<IteratorResult<Uint8Array>>(() => {});
            },
          };
        },
        close: () => probe.note("close"),
      };
    },
    expect: { notes: ["waiting", "close", "ended: gone 200 OK"] },
  },
  {
    area,
    name: "aborts the signal when the client leaves before there is a response, and closes what comes then",
    request: { leave: { afterNote: "called" } },
    app: (probe) => async (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(ending(probe));
      const left = departure(environ);
      probe.note("called");
      probe.note(`aborted ${await left}`);
      startResponse("200 OK", plain());
      return closingArray([bytes("too late")], () => probe.note("close"));
    },
    expect: { notes: ["called", "aborted CLIENT_GONE", "close", "ended: gone"] },
  },
  {
    area,
    name: "does not pull a stream that comes after the client left",
    request: { leave: { afterNote: "called" } },
    app: (probe) => async (environ, startResponse) => {
      const left = departure(environ);
      probe.note("called");
      await left;
      startResponse("200 OK", plain());
      const chunks = (function* body() {
        probe.note("pulled");
        yield bytes("too late");
      })();
      return closing(chunks, () => probe.note("close"));
    },
    expect: { notes: ["called", "close"] },
  },
  {
    area,
    name: "throws from write() once the client has left",
    request: { leave: { afterNote: "called" } },
    app: (probe) => async (environ, startResponse) => {
      const left = departure(environ);
      probe.note("called");
      await left;
      const write = startResponse("200 OK", plain());
      try {
        await write(bytes("too late"));
        probe.note("taken");
      } catch (error) {
        probe.note(`threw ${abortCode(error)}`);
      }
      return [];
    },
    expect: { notes: ["called", "threw CLIENT_GONE"] },
  },
  {
    area,
    name: "gives a signal that is aborted already to who asks late",
    request: { leave: { afterNote: "waiting" } },
    app: (probe) => (environ, startResponse) => {
      startResponse("200 OK", plain());
      const exchange = environ["gateway.exchange"];
      return {
        [Symbol.asyncIterator]: () => ({
          next() {
            probe.note("waiting");
            return new Promise<IteratorResult<Uint8Array>>(() => {});
          },
        }),
        close: () => probe.note(`aborted: ${exchange.signal.aborted} ${abortCode(exchange.signal.reason)}`),
      };
    },
    expect: { notes: ["waiting", "aborted: true CLIENT_GONE"] },
  },
];
