import { createHook } from "node:async_hooks";
import { describe, expect, it } from "vitest";
import type { Application } from "./contract.ts";
import { HTTPError } from "./http-error.ts";
import { run } from "./run.ts";
import type { Sink } from "./sink.ts";
import { bytes, plain, TestBody } from "./test-sink.ts";
import { setupTestingDefaults } from "./testing-defaults.ts";

/** How many promises and timers are made meanwhile. */
function asyncResources(work: () => void): string[] {
  const made: string[] = [];
  const hook = createHook({ init: (_, type) => made.push(type) });
  hook.enable();
  try {
    work();
  } finally {
    hook.disable();
  }
  return made;
}

const sink: Sink = { head() {}, write() {}, end() {}, abort() {} };

const silent = setupTestingDefaults({ "wsgi.errors": { write() {}, writelines() {}, flush() {} } });

const apps: [string, Application][] = [
  [
    "an array",
    (_, startResponse) => {
      startResponse("200 OK", plain());
      return [bytes("hello")];
    },
  ],
  [
    "a generator",
    function* (_, startResponse) {
      startResponse("200 OK", plain());
      yield bytes("hello");
    },
  ],
  [
    "a body with close()",
    (_, startResponse) => {
      startResponse("200 OK", plain());
      return new TestBody(["a", "b"]);
    },
  ],
  [
    "write()",
    (_, startResponse) => {
      void startResponse("200 OK", plain())(bytes("a"));
      return [bytes("b")];
    },
  ],
  [
    "an error",
    () => {
      throw new Error("x");
    },
  ],
  [
    "an HTTPError",
    () => {
      throw new HTTPError(404);
    },
  ],
  [
    "a stream that is too long",
    (_, startResponse) => {
      startResponse("200 OK", [["Content-Length", "1"]]);
      return new TestBody(["a", "b"]);
    },
  ],
  [
    "a listener of onEnd",
    (environ, startResponse) => {
      environ["gateway.exchange"].onEnd(() => {});
      startResponse("200 OK", plain());
      return [bytes("hello")];
    },
  ],
];

describe("run with a synchronous application", () => {
  it("can be watched: an asynchronous one makes promises", () => {
    const app: Application = async (_, startResponse) => {
      startResponse("200 OK", plain());
      return [];
    };
    expect(asyncResources(() => run(app, silent, sink))).toContain("PROMISE");
  });

  it.each(apps)("makes no promise and no timer for a thousand requests answered with %s, and all is over on return", (_, app) => {
    let pending = 0;
    const made = asyncResources(() => {
      for (let i = 0; i < 1000; i++) if (run(app, silent, sink) !== undefined) pending++;
    });
    expect([made, pending]).toEqual([[], 0]);
  });

  it("gives a sink head, chunk and end within one call", () => {
    const calls: string[] = [];
    const app = apps[0]?.[1];
    const noting: Sink = {
      head: () => calls.push("head"),
      write: () => {
        calls.push("write");
      },
      end: () => {
        calls.push("end");
      },
      abort: () => calls.push("abort"),
    };
    if (app !== undefined) run(app, silent, noting);
    expect(calls).toEqual(["head", "write", "end"]);
  });
});
