import type { Environ, ResponseBody, StartResponse } from "@gateway/core";
import { bytes, pattern, plain } from "../apps.ts";
import type { ConformanceCase } from "../types.ts";

const area = "body";
const large = pattern(1024 * 1024);

/** A case whose application answers 200 with this body. */
function sends(name: string, body: () => ResponseBody | Promise<ResponseBody>, whole: string | Uint8Array): ConformanceCase {
  return {
    area,
    name,
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return body();
    },
    expect: { status: 200, body: whole },
  };
}

/** A case whose application answers with something that is no body: TypeScript would not let it. */
function noBody(name: string, body: () => unknown): ConformanceCase {
  return {
    ...sends(name, () => body() as ResponseBody, ""),
    breaks: true,
    expect: { status: 500, bodyWithout: ["secret"], errors: "some" },
  };
}

/** The same chunks by an iterator written by hand. */
function byHand(...texts: string[]): AsyncIterable<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      const rest = texts.map(bytes);
      return {
        async next() {
          const value = rest.shift();
          return value === undefined ? { done: true, value: undefined } : { done: false, value };
        },
      };
    },
  };
}

class GreetingApp implements Iterable<Uint8Array> {
  readonly #startResponse: StartResponse;

  constructor(_environ: unknown, startResponse: StartResponse) {
    this.#startResponse = startResponse;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    this.#startResponse("200 OK", plain());
    yield bytes("from ");
    yield bytes("a class");
  }
}

class GreetingObject {
  readonly #greeting = "from an object";

  call(_environ: Environ, startResponse: StartResponse): ResponseBody {
    startResponse("200 OK", plain());
    return [bytes(this.#greeting)];
  }
}

/** What an application may return. */
export const bodyCases: readonly ConformanceCase[] = [
  sends("sends an array", () => [bytes("hello")], "hello"),
  sends("sends the chunks of an array in order", () => [bytes("a"), bytes("bc"), bytes("def")], "abcdef"),
  sends("sends an empty array", () => [], ""),
  sends("skips empty chunks of an array", () => [bytes(""), bytes("a"), bytes(""), bytes("b"), bytes("")], "ab"),
  sends("sends an array of empty chunks as an empty body", () => [bytes(""), bytes("")], ""),
  sends(
    "sends a generator",
    function* body() {
      yield bytes("one ");
      yield bytes("two ");
      yield bytes("three");
    },
    "one two three",
  ),
  sends(
    "skips empty chunks of a generator",
    function* body() {
      yield bytes("");
      yield bytes("a");
      yield bytes("");
      yield bytes("b");
    },
    "ab",
  ),
  sends("sends a generator that yields nothing", function* body() {}, ""),
  sends(
    "sends an async generator",
    async function* body() {
      yield bytes("one ");
      await Promise.resolve();
      yield bytes("two");
    },
    "one two",
  ),
  sends("sends an async iterable", () => byHand("by ", "", "hand"), "by hand"),
  sends("sends a set, like every iterable", () => new Set([bytes("a"), bytes("b")]), "ab"),
  sends("sends a promise of an array", () => Promise.resolve([bytes("promised")]), "promised"),
  sends(
    "sends a promise of a generator",
    async () =>
      (function* body() {
        yield bytes("promised ");
        yield bytes("stream");
      })(),
    "promised stream",
  ),
  sends("sends all octets unchanged", () => [pattern(4096)], pattern(4096)),
  sends("sends a view into a larger buffer", () => [bytes("xxhelloxx").subarray(2, 7)], "hello"),
  sends("sends an array of a megabyte", () => [large], large),
  sends(
    "sends a stream of a megabyte",
    function* body() {
      for (let at = 0; at < large.length; at += 10_000) yield large.subarray(at, at + 10_000);
    },
    large,
  ),
  sends(
    "sends a thousand small chunks in order",
    async function* body() {
      for (let i = 0; i < 1000; i++) yield bytes(`${i},`);
    },
    Array.from({ length: 1000 }, (_, i) => `${i},`).join(""),
  ),
  {
    area,
    name: "sends a file by wsgi.file_wrapper where there is one",
    request: {},
    app: () => (environ, startResponse) => {
      const rest = [bytes("file "), bytes("content")];
      const wrap = environ["wsgi.file_wrapper"];
      startResponse("200 OK", plain());
      return wrap === undefined ? rest : wrap({ read: () => rest.shift() ?? bytes("") });
    },
    expect: { status: 200, body: "file content" },
  },
  { area, name: "calls a class", request: {}, app: () => GreetingApp, expect: { status: 200, body: "from a class" } },
  {
    area,
    name: "calls an object",
    request: {},
    app: () => new GreetingObject(),
    expect: { status: 200, body: "from an object" },
  },
  noBody("answers 500 to a string as body", () => "secret"),
  noBody("answers 500 to bare bytes as body", () => bytes("secret")),
  noBody("answers 500 to a string in an array", () => ["secret"]),
  noBody("answers 500 to a string as the first chunk of a stream", function* body() {
    yield "secret";
  }),
  noBody("answers 500 to a number in an array", () => [bytes("secret"), 7]),
  {
    area,
    name: "breaks off at a string as a later chunk of a stream",
    request: {},
    breaks: true,
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return (function* body() {
        yield bytes("begun");
        yield "secret" as unknown as Uint8Array;
      })();
    },
    expect: { status: 200, body: "begun", bodyWithout: ["secret"], truncated: true, errors: "some" },
  },
];
