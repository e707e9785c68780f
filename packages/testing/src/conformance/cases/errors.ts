import { HTTPError, type ResponseBody } from "@gateway/core";
import { bytes, closing, plain } from "../apps.ts";
import type { ConformanceCase } from "../types.ts";

const area = "errors";
/** Stands in every error that must not be shown to a client. */
const secret = "secret-detail";
const hidden = {
  status: 500,
  reason: "Internal Server Error",
  bodyWithout: [secret, "errors.ts"],
  errors: "some",
  errorsWith: [secret],
} as const;

/** What becomes of an error. */
export const errorsCases: readonly ConformanceCase[] = [
  {
    area,
    name: "answers 500 without details when the application throws",
    request: {},
    app: () => () => {
      throw new Error(secret);
    },
    expect: hidden,
  },
  {
    area,
    name: "answers 500 when the application throws after startResponse",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain(["X-First", "yes"]));
      throw new Error(secret);
    },
    expect: { ...hidden, headers: { absent: ["X-First"] } },
  },
  {
    area,
    name: "answers 500 when the promise of the application rejects",
    request: {},
    app: () => async (_environ, startResponse) => {
      startResponse("200 OK", plain());
      await Promise.resolve();
      throw new Error(secret);
    },
    expect: hidden,
  },
  {
    area,
    name: "answers 500 when a generator throws before its first chunk",
    request: {},
    app: () =>
      function* broken(_environ, startResponse) {
        startResponse("200 OK", plain());
        yield bytes("");
        throw new Error(secret);
      },
    expect: hidden,
  },
  {
    area,
    name: "answers 500 when an async generator throws before its first chunk",
    request: {},
    app: () =>
      async function* broken(_environ, startResponse) {
        startResponse("200 OK", plain());
        await Promise.resolve();
        yield bytes("");
        throw new Error(secret);
      },
    expect: hidden,
  },
  {
    area,
    name: "breaks off when a generator throws after its first chunk",
    request: {},
    app: () =>
      function* broken(_environ, startResponse) {
        startResponse("200 OK", plain());
        yield bytes("begun");
        throw new Error(secret);
      },
    expect: { status: 200, body: "begun", truncated: true, errors: "some", errorsWith: [secret] },
  },
  {
    area,
    name: "breaks off when an async generator throws after its first chunk",
    request: {},
    app: () =>
      async function* broken(_environ, startResponse) {
        startResponse("200 OK", plain(["Content-Length", "100"]));
        yield bytes("begun");
        await Promise.resolve();
        throw new Error(secret);
      },
    expect: { status: 200, body: "begun", truncated: true, errors: "some", errorsWith: [secret] },
  },
  {
    area,
    name: "answers an error to HEAD without a body",
    request: { method: "HEAD" },
    app: () => () => {
      throw new Error(secret);
    },
    expect: { ...hidden, body: "" },
  },
  {
    area,
    name: "answers an HTTPError with its status, message and headers",
    request: {},
    app: () => () => {
      throw new HTTPError(405, "Read only.", { headers: [["Allow", "GET, HEAD"]] });
    },
    expect: {
      status: 405,
      reason: "Method Not Allowed",
      headers: { equals: { Allow: "GET, HEAD", "Content-Type": "text/plain; charset=utf-8" } },
      body: "Read only.\n",
    },
  },
  {
    area,
    name: "answers an HTTPError that a promise rejects with",
    request: {},
    app: () => async () => {
      throw new HTTPError(404);
    },
    expect: { status: 404, reason: "Not Found", body: "404 Not Found\n" },
  },
  {
    area,
    name: "answers an HTTPError from inside the body",
    request: {},
    app: () =>
      function* refused(_environ, startResponse) {
        startResponse("200 OK", plain());
        yield bytes("");
        throw new HTTPError(403, "Not for you.");
      },
    expect: { status: 403, body: "Not for you.\n" },
  },
  {
    area,
    name: "answers an HTTPError to HEAD without a body",
    request: { method: "HEAD" },
    app: () => () => {
      throw new HTTPError(404);
    },
    expect: { status: 404, body: "" },
  },
  {
    area,
    name: "reports the cause of an HTTPError and does not show it",
    request: {},
    app: () => () => {
      throw new HTTPError(503, "Come back later.", { cause: new Error(secret) });
    },
    expect: { status: 503, body: "Come back later.\n", bodyWithout: [secret], errors: "some", errorsWith: [secret] },
  },
  {
    area,
    name: "answers 500 to an HTTPError whose headers may not be sent",
    request: {},
    app: () => () => {
      throw new HTTPError(404, secret, { headers: [["X-A", "1\r\nX-Injected: yes"]] });
    },
    expect: { status: 500, headers: { absent: ["X-A", "X-Injected"] }, bodyWithout: [secret], errors: "some" },
  },
  {
    area,
    name: "breaks off at an HTTPError after the head",
    request: {},
    app: () =>
      function* broken(_environ, startResponse) {
        startResponse("200 OK", plain());
        yield bytes("begun");
        throw new HTTPError(404, secret);
      },
    expect: { status: 200, body: "begun", truncated: true, errors: "some", errorsWith: [secret] },
  },
  {
    area,
    name: "sends a response whole although its close() throws, and reports that",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return closing([bytes("all "), bytes("there")], () => {
        throw new Error(secret);
      });
    },
    expect: { status: 200, body: "all there", errors: "some", errorsWith: [secret] },
  },
  {
    area,
    name: "sends a response whole although its close() rejects, and reports that",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return closing([bytes("all there")], () => Promise.reject(new Error(secret)));
    },
    expect: { status: 200, body: "all there", errors: "some", errorsWith: [secret] },
  },
  {
    area,
    name: "answers 500 to a thrown undefined",
    request: {},
    app: () => () => {
      throw undefined;
    },
    expect: { status: 500, errors: "some" },
  },
  {
    area,
    name: "answers 500 to a thrown string, without showing it",
    request: {},
    app: () => async () => {
      throw secret;
    },
    expect: hidden,
  },
  {
    area,
    name: "answers 500 when nothing is returned",
    request: {},
    breaks: true,
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return undefined as unknown as ResponseBody;
    },
    expect: { status: 500, errors: "some" },
  },
  {
    area,
    name: "answers 500 when a promise of nothing is returned",
    request: {},
    breaks: true,
    app: () => async (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return undefined as unknown as ResponseBody;
    },
    expect: { status: 500, errors: "some" },
  },
  {
    area,
    name: "answers 500 to a body that cannot be iterated",
    request: {},
    breaks: true,
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      return { secret } as unknown as ResponseBody;
    },
    expect: { status: 500, bodyWithout: [secret], errors: "some" },
  },
  {
    area,
    name: "answers 500 when an array is returned without startResponse",
    request: {},
    breaks: true,
    app: () => () => [bytes(secret)],
    expect: { status: 500, bodyWithout: [secret], errors: "some" },
  },
  {
    area,
    name: "answers 500 when a stream begins without startResponse",
    request: {},
    breaks: true,
    app: () =>
      function* headless() {
        yield bytes(secret);
      },
    expect: { status: 500, bodyWithout: [secret], errors: "some" },
  },
  {
    area,
    name: "answers 500 when a stream ends without startResponse",
    request: {},
    breaks: true,
    app: () => function* headless() {},
    expect: { status: 500, errors: "some" },
  },
  {
    area,
    name: "takes what is written to wsgi.errors",
    request: {},
    app: () => (environ, startResponse) => {
      const errors = environ["wsgi.errors"];
      errors.write("one line\n");
      errors.writelines(["more\n", "lines: é€\n"]);
      errors.flush();
      startResponse("200 OK", plain());
      return [bytes("ok")];
    },
    expect: { status: 200, body: "ok", errors: "some", errorsWith: ["one line", "more", "lines: é€"] },
  },
];
