import { bytes, plain } from "../apps.ts";
import type { CaseRequest, ConformanceCase, Expectation, ExpectedHeaders } from "../types.ts";

const area = "length";

interface LengthCase {
  readonly name: string;
  readonly request?: CaseRequest;
  readonly status?: string;
  /** The Content-Length that the application gives. */
  readonly declared?: string;
  readonly chunks: readonly string[];
  /** The body is a generator, not an array. */
  readonly stream?: true;
  readonly breaks?: true;
  readonly expect: Expectation;
}

function lengthCase({
  name,
  request = {},
  status = "200 OK",
  declared,
  chunks,
  stream,
  breaks,
  expect,
}: LengthCase): ConformanceCase {
  return {
    area,
    name,
    request,
    ...(breaks && { breaks }),
    app: () => (_environ, startResponse) => {
      // 204 and 304 describe no body of theirs.
      const headers = /^[23]04/.test(status) ? [] : plain();
      if (declared !== undefined) headers.push(["Content-Length", declared]);
      startResponse(status, headers);
      const all = chunks.map(bytes);
      if (stream === undefined) return all;
      return (function* body() {
        yield* all;
      })();
    },
    expect,
  };
}

const supplied = (length: string): ExpectedHeaders => ({ equals: { "Content-Length": length } });
const none: ExpectedHeaders = { absent: ["Content-Length"] };
const head: CaseRequest = { method: "HEAD" };

/** How long bodies are, who says so, and what happens when it is not true. */
export const lengthCases: readonly ConformanceCase[] = [
  lengthCase({
    name: "supplies the length of an array",
    chunks: ["hello"],
    expect: { status: 200, headers: supplied("5"), body: "hello" },
  }),
  lengthCase({
    name: "adds up the chunks of an array",
    chunks: ["ab", "", "cde"],
    expect: { status: 200, headers: supplied("5"), body: "abcde" },
  }),
  lengthCase({
    name: "supplies the length of an empty array",
    chunks: [],
    expect: { status: 200, headers: supplied("0"), body: "" },
  }),
  lengthCase({
    name: "keeps the length that the application gives with an array",
    declared: "5",
    chunks: ["hel", "lo"],
    expect: { status: 200, headers: supplied("5"), body: "hello" },
  }),
  lengthCase({
    name: "keeps the length that the application gives with a stream",
    declared: "5",
    chunks: ["hel", "lo"],
    stream: true,
    expect: { status: 200, headers: supplied("5"), body: "hello" },
  }),
  lengthCase({
    name: "supplies no length for a stream",
    chunks: ["hel", "lo"],
    stream: true,
    expect: { status: 200, headers: none, body: "hello" },
  }),
  lengthCase({
    name: "answers 500 to an array that is shorter than its length",
    declared: "6",
    chunks: ["hello"],
    breaks: true,
    expect: { status: 500, bodyWithout: ["hello"], errors: "some" },
  }),
  lengthCase({
    name: "answers 500 to an array that is longer than its length",
    declared: "4",
    chunks: ["hello"],
    breaks: true,
    expect: { status: 500, bodyWithout: ["hell"], errors: "some" },
  }),
  lengthCase({
    name: "answers 500 to an empty array with a length",
    declared: "4",
    chunks: [],
    breaks: true,
    expect: { status: 500, errors: "some" },
  }),
  lengthCase({
    name: "breaks off a stream that ends before its length",
    declared: "10",
    chunks: ["hello"],
    stream: true,
    breaks: true,
    expect: { status: 200, headers: supplied("10"), body: "hello", truncated: true, errors: "some" },
  }),
  lengthCase({
    name: "breaks off a stream before the chunk that goes over its length",
    declared: "5",
    chunks: ["abc", "defg"],
    stream: true,
    breaks: true,
    expect: { status: 200, headers: supplied("5"), body: "abc", truncated: true, errors: "some" },
  }),
  lengthCase({
    name: "sends nothing beyond the length of a stream",
    declared: "5",
    chunks: ["hello", "excess"],
    stream: true,
    breaks: true,
    // The client has all that was announced, so it cannot see more.
    expect: { status: 200, headers: supplied("5"), body: "hello", truncated: "maybe", errors: "some" },
  }),
  lengthCase({
    name: "answers 500 to a stream whose first chunk goes over its length",
    declared: "4",
    chunks: ["hello"],
    stream: true,
    breaks: true,
    expect: { status: 500, bodyWithout: ["hell"], errors: "some" },
  }),
  lengthCase({
    name: "answers 500 to an empty stream with a length",
    declared: "4",
    chunks: [],
    stream: true,
    breaks: true,
    expect: { status: 500, errors: "some" },
  }),
  lengthCase({
    name: "answers 500 to a length that is no number",
    declared: "five",
    chunks: ["hello"],
    breaks: true,
    expect: { status: 500, errors: "some" },
  }),
  lengthCase({
    name: "answers 500 to a length with a sign",
    declared: "+5",
    chunks: ["hello"],
    breaks: true,
    expect: { status: 500, errors: "some" },
  }),
  {
    area,
    name: "answers 500 to two lengths",
    request: {},
    breaks: true,
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain(["Content-Length", "5"], ["content-length", "5"]));
      return [bytes("hello")];
    },
    expect: { status: 500, errors: "some" },
  },
  lengthCase({
    name: "supplies for HEAD the length that GET would have",
    request: head,
    chunks: ["hello"],
    expect: { status: 200, headers: supplied("5"), body: "" },
  }),
  lengthCase({
    name: "keeps for HEAD the length that the application gives with an empty array",
    request: head,
    declared: "5",
    chunks: [],
    expect: { status: 200, headers: supplied("5"), body: "" },
  }),
  lengthCase({
    name: "keeps for HEAD the length that the application gives with a stream",
    request: head,
    declared: "5",
    chunks: ["hello"],
    stream: true,
    expect: { status: 200, headers: supplied("5"), body: "" },
  }),
  lengthCase({
    name: "supplies for HEAD no length of a stream",
    request: head,
    chunks: ["hello"],
    stream: true,
    expect: { status: 200, headers: none, body: "" },
  }),
  lengthCase({
    name: "supplies for HEAD no length of an empty array, which GET need not have",
    request: head,
    chunks: [],
    expect: { status: 200, headers: none, body: "" },
  }),
  lengthCase({
    name: "sends 204 without length and body",
    status: "204 No Content",
    chunks: [],
    expect: { status: 204, headers: none, body: "" },
  }),
  lengthCase({
    name: "drops the length of a 204",
    status: "204 No Content",
    declared: "0",
    chunks: [],
    breaks: true,
    expect: { status: 204, headers: none, body: "" },
  }),
  lengthCase({
    name: "drops the body of a 204",
    status: "204 No Content",
    chunks: ["hello"],
    breaks: true,
    expect: { status: 204, headers: none, body: "" },
  }),
  lengthCase({
    name: "drops the body of a 204 that is a stream",
    status: "204 No Content",
    chunks: ["hello"],
    stream: true,
    breaks: true,
    expect: { status: 204, headers: none, body: "" },
  }),
  lengthCase({
    name: "sends 304 without a length and body",
    status: "304 Not Modified",
    chunks: [],
    expect: { status: 304, headers: none, body: "" },
  }),
  lengthCase({
    name: "keeps the length of a 304, which is that of the body it has not",
    status: "304 Not Modified",
    declared: "5",
    chunks: [],
    breaks: true,
    expect: { status: 304, headers: supplied("5"), body: "" },
  }),
];
