import type { Environ, StartResponse } from "@gateway/core";
import { validator, type RuleId } from "../src/index.ts";
import type { BreachCase } from "./breach-case.ts";
import { drive, makeEnviron } from "./harness.ts";
import { headBreaches } from "./head-breaches.ts";
import { body, bytes, type, uses, withLength, wrong, type Loose } from "./wrong-application.ts";

/** An iterable whose iterator gives these, and then the end. */
function steps(kind: symbol, results: unknown[]): unknown {
  return { [kind]: () => ({ next: () => (results.length > 0 ? results.shift() : { done: true, value: undefined }) }) };
}

const bodies: readonly BreachCase[] = [
  body("A2", "nothing", () => {}),
  body("A2", "null", () => null),
  body("A2", "a promise of nothing", async () => {}),
  body("A2", "an object", () => ({})),
  body("A2", "a number", () => 5),
  body("A3", "a string", () => "hello"),
  body("A3", "bytes", () => bytes),
  body("A3", "a promise of bytes", async () => bytes),
  wrong("A4", "an array, no head", () => [bytes]),
  wrong("A4", "an empty array, no head", () => []),
  wrong("A4", "a chunk, no head", function* () {
    yield bytes;
  }),
  wrong("A4", "an asynchronous chunk, no head", async function* () {
    yield bytes;
  }),
  wrong("A5", "an end, no head", function* () {
    yield new Uint8Array(0);
  }),
  wrong("A19", "an array", (_, startResponse) => {
    startResponse("200 OK", []);
    return [bytes];
  }),
  wrong("A19", "write", (_, startResponse) => {
    void startResponse("200 OK", [])(bytes);
    return [];
  }),
  ...[4, 6].flatMap((length) => [
    wrong("A23", `an array, ${length} for 5`, (_, startResponse) => {
      startResponse("200 OK", withLength(length));
      return [bytes];
    }),
    wrong("A23", `a stream, ${length} for 5`, function* (_, startResponse) {
      startResponse("200 OK", withLength(length));
      yield bytes.subarray(0, 3);
      yield bytes.subarray(3);
    }),
    wrong("A23", `write and an array, ${length} for 5`, async (_, startResponse) => {
      await startResponse("200 OK", withLength(length))(bytes.subarray(0, 3));
      return [bytes.subarray(3)];
    }),
  ]),
  wrong("A23", "nothing for 5", (_, startResponse) => {
    startResponse("200 OK", withLength(5));
    return [];
  }),
  ...["204 No Content", "304 Not Modified"].flatMap((status) => [
    wrong("A24", `an array, ${status}`, (_, startResponse) => {
      startResponse(status, []);
      return [bytes];
    }),
    wrong("A24", `a stream, ${status}`, function* (_, startResponse) {
      startResponse(status, []);
      yield bytes;
    }),
  ]),
  body("A25", "an array of a string", () => ["hello"]),
  body("A25", "an array with a hole", () => Array.from({ length: 1 })),
  body("A25", "a stream of a string", () => new Set(["hello"])),
  body("A25", "an asynchronous stream of numbers", async function* () {
    yield 1;
  }),
  body("A25", "other views", () => [new Uint16Array(1)]),
  body("A26", "no iterator", () => ({ [Symbol.iterator]: () => ({}) })),
  body("A26", "no result", () => steps(Symbol.iterator, [undefined])),
  body("A26", "no boolean", () => steps(Symbol.iterator, [{ done: 1, value: bytes }])),
  body("A26", "a promise of a synchronous iterator", () => steps(Symbol.iterator, [Promise.resolve({ value: bytes })])),
  body("A26", "an asynchronous iterator without a promise", () => steps(Symbol.asyncIterator, [{ value: bytes }])),
  body("A28", "no function", () => Object.assign([bytes], { close: true })),
];

/** Writes, changes what was written, and waits for nothing. */
async function changesWritten(write: () => void | Promise<void>): Promise<void> {
  const buffer = Buffer.from("hello");
  const app = validator((_, startResponse) => {
    void startResponse("200 OK", type())(buffer);
    buffer[0] = 0;
    return [];
  });
  const response = await app(makeEnviron(), () => write);
  await Promise.resolve();
  await response.close?.();
}

const changes: readonly BreachCase[] = [
  body("A27", "a buffer used again", function* () {
    const buffer = Buffer.from("hello");
    yield buffer;
    buffer.write("again");
    yield buffer;
  }),
  body("A27", "a buffer used again, asynchronously", async function* () {
    const buffer = Buffer.from("hello");
    yield buffer;
    buffer.write("again");
    yield buffer;
  }),
  body("A27", "changed at the end", function* () {
    const buffer = Buffer.from("hello");
    yield buffer;
    buffer.write("again");
  }),
  {
    rule: "A27",
    what: "an array changed before it was closed",
    async breaks() {
      const buffer = Buffer.from("hello");
      const app = validator((_, startResponse) => {
        startResponse("200 OK", type());
        return [buffer];
      });
      const response = await app(makeEnviron(), () => () => {});
      buffer[0] = 0;
      await response.close?.();
    },
  },
  { rule: "A27", what: "changed while write waits", breaks: () => changesWritten(async () => {}) },
  { rule: "A27", what: "changed after write", breaks: () => changesWritten(() => {}) },
  wrong("A27", "changed while write is awaited", async (_, startResponse) => {
    const buffer = Buffer.from("hello");
    const waiting = startResponse("200 OK", type())(buffer);
    buffer[0] = 0;
    await waiting;
    return [];
  }),
];

/** Runs an application to its end and then lets it go on. */
async function afterwards(goOn: (environ: Environ, startResponse: StartResponse) => unknown, isLate = false): Promise<void> {
  let after: () => unknown = () => {};
  const app = validator((environ, startResponse) => {
    if (!isLate) startResponse("200 OK", type());
    after = () => goOn(environ, startResponse);
    return isLate ? new Set<Uint8Array>() : [bytes];
  });
  const response = await app(makeEnviron(), () => () => {});
  await response.close?.();
  await after();
}

const misuses: readonly BreachCase[] = [
  wrong("A18", "write, then another body", (_, startResponse) => {
    void startResponse("200 OK", type())(bytes);
    try {
      startResponse("500 Oops", type(), new Error("oops"));
    } catch {
      // That is the breach.
    }
    return [];
  }),
  ...["more", "the end"].map((what) =>
    wrong("A18", what, function* (_, startResponse) {
      startResponse("200 OK", type());
      yield bytes;
      try {
        startResponse("500 Oops", type(), new Error("oops"));
      } catch {
        if (what === "more") yield bytes;
      }
    }),
  ),
  { rule: "A35", what: "startResponse", breaks: () => afterwards((_, startResponse) => startResponse("200 OK", type()), true) },
  {
    rule: "A35",
    what: "write",
    async breaks() {
      let write: unknown;
      const app = validator((_, startResponse) => {
        write = startResponse("200 OK", type());
        return [];
      });
      await drive(app);
      (write as (chunk: Uint8Array) => void)(bytes);
    },
  },
  ...["read", "readline", "readlines"].map(
    (method): BreachCase => ({
      rule: "A35",
      what: method,
      breaks: () => afterwards((environ) => environ["wsgi.input"][method as "read"]()),
    }),
  ),
  { rule: "A35", what: "iterating", breaks: () => afterwards((environ) => environ["wsgi.input"][Symbol.asyncIterator]().next()) },
  uses("A36", "a string", (environ) => environ["wsgi.input"].read("5" as never)),
  uses("A36", "a fraction", (environ) => environ["wsgi.input"].readline(0.5)),
  uses("A36", "two arguments", (environ) => (environ["wsgi.input"] as Loose<"readlines">).readlines(1, 2)),
  uses("A37", "bytes", (environ) => environ["wsgi.errors"].write(bytes as never)),
  uses("A37", "no argument", (environ) => (environ["wsgi.errors"] as Loose<"write">).write()),
  uses("A37", "lines of bytes", (environ) => environ["wsgi.errors"].writelines([bytes] as never)),
  uses("A37", "no lines", (environ) => environ["wsgi.errors"].writelines(1 as never)),
  uses("A38", "the input", (environ) => (environ["wsgi.input"] as unknown as Loose<"close">).close()),
  uses("A38", "the errors", (environ) => (environ["wsgi.errors"] as unknown as Loose<"close">).close()),
  uses("A39", "nothing", (environ) => environ["gateway.exchange"].onEnd(undefined as never)),
];

/** An application that keeps its `write` for later. */
function writes(rule: RuleId, what: string, chunk: unknown, isLate: boolean): BreachCase {
  return wrong(rule, what, (_, startResponse) => {
    const write = startResponse("200 OK", type());
    const late = function* (): Generator<Uint8Array> {
      void write(chunk as Uint8Array);
      yield bytes;
    };
    if (isLate) return late();
    void write(chunk as Uint8Array);
    return [];
  });
}

/** What applications do wrong. */
export const applicationBreaches: readonly BreachCase[] = [
  ...headBreaches,
  ...bodies,
  ...changes,
  ...misuses,
  writes("A32", "inside the body", bytes, true),
  writes("A33", "a string", "hello", false),
  writes("A33", "nothing", undefined, false),
  wrong("A33", "two chunks", (_, startResponse) => {
    Reflect.apply(startResponse("200 OK", type()), undefined, [bytes, bytes]);
    return [];
  }),
];
