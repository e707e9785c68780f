import { runInNewContext } from "node:vm";
import type { InputStream } from "@gateway/core";
import { validator, type RuleId } from "../src/index.ts";
import type { BreachCase } from "./breach-case.ts";
import { emptyBody, makeEnviron } from "./harness.ts";

const app = validator(emptyBody);
const call = (environ: unknown): unknown => app(environ as never, () => () => {});

/** What is wrong when a key has that value. */
const values: readonly (readonly [rule: RuleId, key: string, value: unknown])[] = [
  ["G5", "REQUEST_METHOD", undefined],
  ["G5", "QUERY_STRING", undefined],
  ["G5", "wsgi.input", undefined],
  ["G5", "gateway.exchange", undefined],
  ["G6", "REMOTE_ADDR", 1],
  ["G6", "REMOTE_USER", null],
  ["G6", "session", {}],
  ["G7", "REQUEST_METHOD", ""],
  ["G7", "REQUEST_METHOD", "GE T"],
  ["G8", "SCRIPT_NAME", "/"],
  ["G8", "SCRIPT_NAME", "app"],
  ["G9", "PATH_INFO", "x"],
  ["G9", "PATH_INFO", "*"],
  ["G10", "PATH_INFO", ""],
  ["G11", "PATH_INFO", "/a\0b"],
  ["G11", "SCRIPT_NAME", "/a\0b"],
  ["G13", "QUERY_STRING", "a b"],
  ["G13", "QUERY_STRING", "a#b"],
  ["G13", "QUERY_STRING", "\u0100"],
  ["G14", "REQUEST_URI", ""],
  ["G14", "REQUEST_URI", "/a b"],
  ["G15", "SERVER_NAME", ""],
  ["G15", "SERVER_NAME", "a/b"],
  ["G15", "SERVER_NAME", "localhost:80"],
  ["G16", "SERVER_PORT", ""],
  ["G16", "SERVER_PORT", "http"],
  ["G16", "SERVER_PORT", "65536"],
  ["G17", "SERVER_PROTOCOL", "1.1"],
  ["G18", "HTTP_HOST", "a b"],
  ["G18", "HTTP_HOST", "a@b"],
  ["G18", "HTTP_HOST", "::1"],
  ["G19", "CONTENT_LENGTH", ""],
  ["G19", "CONTENT_LENGTH", "-1"],
  ["G20", "HTTP_CONTENT_TYPE", "text/plain"],
  ["G20", "HTTP_CONTENT_LENGTH", "1"],
  ["G21", "HTTP_PROXY", "http://evil"],
  ["G22", "HTTP_x_y", "1"],
  ["G22", "HTTP_X-Y", "1"],
  ["G22", "HTTP_", "1"],
  ["G23", "HTTP_X", "a\r\nb"],
  ["G23", "HTTP_X", "\u20ac"],
  ["G23", "CONTENT_TYPE", "a\0"],
  ["G25", "wsgi.version", [1, 1]],
  ["G25", "wsgi.version", "1.0"],
  ["G26", "wsgi.url_scheme", "ftp"],
  ["G27", "wsgi.multithread", 1],
  ["G27", "wsgi.multiprocess", "no"],
  ["G27", "wsgi.run_once", 0],
  ["G28", "wsgi.input_terminated", false],
  ["G29", "wsgi.input", { read() {}, readline() {}, readlines() {} }],
  ["G29", "wsgi.input", null],
  ["G35", "wsgi.errors", { write() {}, flush() {} }],
  ["G37", "gateway.exchange", { onEnd() {}, earlyHints() {} }],
  ["G37", "gateway.exchange", { signal: new AbortController().signal, earlyHints() {} }],
  ["G42", "wsgi.file_wrapper", true],
];

const environs: readonly (readonly [what: string, environ: unknown])[] = [
  ["null", null],
  ["a Map", new Map()],
  ["an instance of a class", Object.assign(new EventTarget(), makeEnviron())],
  ["an heir of an environ", Object.create(makeEnviron())],
  ["a frozen object", Object.freeze(makeEnviron())],
  ["a getter", Object.defineProperty(makeEnviron(), "gateway.x", { get: () => 1, enumerable: true })],
  ["an array of another realm", runInNewContext("[]")],
];

/** An input that answers every call the same. */
function inputThat(gives: unknown): InputStream {
  const give = (): never => gives as never;
  return { read: give, readline: give, readlines: give, [Symbol.asyncIterator]: () => ({ next: give }) };
}

const bytes = Buffer.from("ab\ncd");

async function read(input: InputStream, use: (input: InputStream) => unknown, spoilt: Record<string, unknown> = {}): Promise<void> {
  const environ = makeEnviron({ ...spoilt, "wsgi.input": input });
  void app(environ, () => () => {});
  await use(environ["wsgi.input"]);
}

const inputs: readonly BreachCase[] = [
  { rule: "G30", what: "read gives no promise", breaks: () => read(inputThat(bytes), (input) => input.read()) },
  { rule: "G30", what: "read gives a string", breaks: () => read(inputThat(Promise.resolve("a")), (input) => input.read()) },
  { rule: "G30", what: "read gives too much", breaks: () => read(inputThat(Promise.resolve(bytes)), (input) => input.read(4)) },
  { rule: "G30", what: "readline gives two", breaks: () => read(inputThat(Promise.resolve(bytes)), (input) => input.readline()) },
  {
    rule: "G30",
    what: "readlines gives bytes",
    breaks: () => read(inputThat(Promise.resolve(bytes)), (input) => input.readlines()),
  },
  {
    rule: "G30",
    what: "readlines gives none",
    breaks: () => read(inputThat(Promise.resolve([bytes])), (input) => input.readlines()),
  },
  {
    rule: "G30",
    what: "iterating gives a string",
    breaks: () => read(inputThat(Promise.resolve({ done: false, value: "a" })), (input) => input[Symbol.asyncIterator]().next()),
  },
  {
    rule: "G31",
    what: "more after a short read",
    breaks: () => read(inputThat(Promise.resolve(bytes)), (input) => input.read(9).then(() => input.read(9))),
  },
  {
    rule: "G31",
    what: "more after the end of a loop",
    breaks() {
      let count = 0;
      const next = async (): Promise<unknown> => (++count === 1 ? { done: true, value: undefined } : { done: false, value: bytes });
      const iterator = { next } as AsyncIterator<Uint8Array>;
      const input = { ...inputThat(undefined), [Symbol.asyncIterator]: () => iterator };
      return read(input, async (input) => {
        const iterator = input[Symbol.asyncIterator]();
        await iterator.next();
        await iterator.next();
      });
    },
  },
  {
    rule: "G32",
    what: "more than CONTENT_LENGTH",
    breaks: () => read(inputThat(Promise.resolve(bytes)), (input) => input.read(5), { CONTENT_LENGTH: "4" }),
  },
];

/** What servers give wrong with a request. */
export const environBreaches: readonly BreachCase[] = [
  ...environs.map(([what, environ]): BreachCase => ({ rule: "G4", what, breaks: () => call(environ) })),
  ...values.map(
    ([rule, key, value]): BreachCase => ({
      rule,
      what: `${key} is ${JSON.stringify(value)}`,
      breaks: () => call(makeEnviron({ [key]: value })),
    }),
  ),
  ...inputs,
];
