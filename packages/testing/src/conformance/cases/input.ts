import type { Environ, InputStream } from "@gateway/core";
import { bytes, checksum, pattern, plain, textOf } from "../apps.ts";
import type { CaseRequest, ConformanceCase } from "../types.ts";

/** A case whose application reads, and answers with what it read, as JSON. */
function reads(
  name: string,
  request: CaseRequest,
  read: (input: InputStream, environ: Environ) => Promise<unknown>,
  result: unknown,
): ConformanceCase {
  return {
    area: "input",
    name,
    request: { method: "POST", headers: [["Content-Type", "text/plain"]], ...request },
    app: () => async (environ, startResponse) => {
      const got = JSON.stringify(await read(environ["wsgi.input"], environ));
      startResponse("200 OK", plain());
      return [bytes(got)];
    },
    expect: { status: 200, body: JSON.stringify(result) },
  };
}

const threeLines = { chunks: ["one\ntw", "o\n\nthree"] };
const large = pattern(1024 * 1024);

/** What an application reads from `wsgi.input`. */
export const inputCases: readonly ConformanceCase[] = [
  reads(
    "reads the whole body",
    { body: { chunks: ["hello ", "world"] } },
    async (input) => textOf(await input.read()),
    "hello world",
  ),
  reads("reads all with a negative size", { body: { chunks: ["hello"] } }, async (input) => textOf(await input.read(-1)), "hello"),
  reads(
    "reads exactly as many bytes as asked for, fewer only at the end",
    { body: { chunks: ["ab", "cde", "fgh"] } },
    async (input) => [
      textOf(await input.read(4)),
      textOf(await input.read(0)),
      textOf(await input.read(3)),
      textOf(await input.read(9)),
    ],
    ["abcd", "", "efg", "h"],
  ),
  reads(
    "reads line by line",
    { body: threeLines },
    async (input) => {
      const got: string[] = [];
      for (let i = 0; i < 5; i++) got.push(textOf(await input.readline()));
      return got;
    },
    ["one\n", "two\n", "\n", "three", ""],
  ),
  reads(
    "reads at most the limit of a line",
    { body: threeLines },
    async (input) => [textOf(await input.readline(2)), textOf(await input.readline(9)), textOf(await input.readline())],
    ["on", "e\n", "two\n"],
  ),
  reads("reads all lines", { body: threeLines }, async (input) => (await input.readlines()).map(textOf), [
    "one\n",
    "two\n",
    "\n",
    "three",
  ]),
  reads(
    "stops reading lines at the hint",
    { body: threeLines },
    async (input) => [(await input.readlines(5)).map(textOf), textOf(await input.read())],
    [["one\n", "two\n"], "\nthree"],
  ),
  reads(
    "gives the body by iteration",
    { body: { chunks: ["ab", "cde"] } },
    async (input) => {
      let all = "";
      for await (const chunk of input) all += textOf(chunk);
      return all;
    },
    "abcde",
  ),
  reads(
    "reads a chunked body to its end",
    { body: { chunked: true, chunks: ["hello ", "chunked ", "world"] } },
    async (input) => textOf(await input.read()),
    "hello chunked world",
  ),
  reads(
    "reads a chunked body by size and by line",
    { body: { chunked: true, chunks: ["ab\nc", "d\n", "ef"] } },
    async (input) => [textOf(await input.readline()), textOf(await input.read(2)), textOf(await input.read())],
    ["ab\n", "cd", "\nef"],
  ),
  reads("reads an empty chunked body", { body: { chunked: true, chunks: [] } }, async (input) => textOf(await input.read()), ""),
  reads("reads nothing where there is no body", { method: "GET", headers: [] }, async (input) => textOf(await input.read()), ""),
  reads(
    "stays at the end of the body",
    { body: { chunks: ["x"] } },
    async (input) => {
      const first = textOf(await input.read());
      return [
        first,
        textOf(await input.read()),
        textOf(await input.read(1)),
        textOf(await input.readline()),
        (await input.readlines()).length,
      ];
    },
    ["x", "", "", "", 0],
  ),
  reads(
    "reads a body of a megabyte unchanged",
    { body: { chunks: [large.subarray(0, 70_000), large.subarray(70_000)] } },
    async (input) => checksum(await input.read()),
    checksum(large),
  ),
  reads(
    "reads a chunked body of a megabyte unchanged",
    { body: { chunked: true, chunks: [large.subarray(0, 500_000), large.subarray(500_000)] } },
    async (input) => checksum(await input.read()),
    checksum(large),
  ),
  {
    area: "input",
    name: "lets the body be read from inside the response",
    request: { method: "POST", headers: [["Content-Type", "text/plain"]], body: { chunks: ["ab", "cd"] } },
    app: () =>
      async function* late(environ, startResponse) {
        startResponse("200 OK", plain());
        yield bytes("got ");
        yield await environ["wsgi.input"].read();
      },
    expect: { status: 200, body: "got abcd" },
  },
  {
    area: "input",
    name: "sends the body back as it comes",
    request: { method: "POST", headers: [["Content-Type", "text/plain"]], body: { chunked: true, chunks: [large] } },
    app: () => (environ, startResponse) => {
      startResponse("200 OK", plain());
      return environ["wsgi.input"];
    },
    expect: { status: 200, body: large },
  },
  {
    area: "input",
    name: "gives a piece of the body before the rest has been sent",
    request: {
      method: "POST",
      headers: [["Content-Type", "text/plain"]],
      body: { chunked: true, chunks: ["first", { afterNote: "got first" }, "second"] },
    },
    app: (probe) => async (environ, startResponse) => {
      probe.note(`got ${textOf(await environ["wsgi.input"].read(5))}`);
      probe.note(`got ${textOf(await environ["wsgi.input"].read())}`);
      startResponse("200 OK", plain());
      return [bytes("done")];
    },
    expect: { status: 200, body: "done", notes: ["got first", "got second"] },
  },
  {
    area: "input",
    name: "answers although the body is not read",
    request: { method: "POST", headers: [["Content-Type", "text/plain"]], body: { chunks: [pattern(100_000)] } },
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return [bytes("not read")];
    },
    expect: { status: 200, body: "not read" },
  },
  {
    area: "input",
    name: "answers although the body is read in part only",
    request: { method: "POST", headers: [["Content-Type", "text/plain"]], body: { chunked: true, chunks: [pattern(100_000)] } },
    app: () => async (environ, startResponse) => {
      const got = await environ["wsgi.input"].read(10);
      startResponse("200 OK", plain());
      return [bytes(`${got.length}`)];
    },
    expect: { status: 200, body: "10" },
  },
  {
    area: "input",
    name: "fails to read a body that was cut short",
    request: {
      method: "POST",
      headers: [["Content-Type", "text/plain"]],
      body: { chunks: ["abc", { afterNote: "never" }, "defg"] },
      leave: { afterNote: "got abc" },
    },
    app: (probe) => async (environ, startResponse) => {
      probe.note(`got ${textOf(await environ["wsgi.input"].read(3))}`);
      await environ["wsgi.input"].read().then(
        () => probe.note("took it for whole"),
        () => probe.note("threw"),
      );
      startResponse("200 OK", plain());
      return [bytes("late")];
    },
    expect: { notes: ["got abc", "threw"] },
  },
  {
    area: "input",
    name: "fails to read a chunked body that was cut short",
    request: {
      method: "POST",
      headers: [["Content-Type", "text/plain"]],
      body: { chunked: true, chunks: ["abc", { afterNote: "never" }] },
      leave: { afterNote: "got abc" },
    },
    app: (probe) => async (environ, startResponse) => {
      probe.note(`got ${textOf(await environ["wsgi.input"].read(3))}`);
      await environ["wsgi.input"].read().then(
        () => probe.note("took it for whole"),
        () => probe.note("threw"),
      );
      startResponse("200 OK", plain());
      return [bytes("late")];
    },
    expect: { notes: ["got abc", "threw"] },
  },
];
