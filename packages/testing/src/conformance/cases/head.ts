import type { Header, HeaderList } from "@gateway/core";
import { bytes, plain } from "../apps.ts";
import type { ConformanceCase } from "../types.ts";

const area = "head";

/** A case whose head may not be sent: the client gets a 500. */
function refusedHead(name: string, status: string, ...headers: Header[]): ConformanceCase {
  return {
    area,
    name,
    request: {},
    breaks: true,
    app: () => (_environ, startResponse) => {
      startResponse(status, plain(...headers));
      return [bytes("never sent")];
    },
    expect: { status: 500, headers: { absent: ["X-Injected"] }, bodyWithout: ["never sent"], errors: "some" },
  };
}

/** How the head of a response is begun, replaced and sent. */
export const headCases: readonly ConformanceCase[] = [
  {
    area,
    name: "sends status, reason and headers as given",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("418 I'm a Teapot", plain(["X-Custom", 'Some  Value; a="b"']));
      return [bytes("short and stout")];
    },
    expect: {
      status: 418,
      reason: "I'm a Teapot",
      headers: { equals: { "Content-Type": "text/plain; charset=utf-8", "X-Custom": 'Some  Value; a="b"' } },
      body: "short and stout",
    },
  },
  {
    area,
    name: "sends a status without a reason",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("299 ", plain());
      return [bytes("ok")];
    },
    expect: { status: 299, body: "ok" },
  },
  {
    area,
    name: "takes startResponse late, from inside the body",
    request: {},
    app: () =>
      function* late(_environ, startResponse) {
        startResponse("201 Created", plain(["X-Late", "yes"]));
        yield bytes("late");
      },
    expect: { status: 201, headers: { equals: { "X-Late": "yes" } }, body: "late" },
  },
  {
    area,
    name: "replaces the head with excInfo before the first byte",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain(["X-First", "yes"]));
      startResponse("503 Service Unavailable", plain(["X-Second", "yes"]), new Error("not today"));
      return [bytes("replaced")];
    },
    expect: { status: 503, headers: { absent: ["X-First"], equals: { "X-Second": "yes" } }, body: "replaced" },
  },
  {
    area,
    name: "replaces the head from inside the body, after empty chunks",
    request: {},
    app: () =>
      function* replaced(_environ, startResponse) {
        startResponse("200 OK", plain(["X-First", "yes"]));
        yield bytes("");
        startResponse("500 Internal Server Error", plain(), new Error("on the way"));
        yield bytes("sorry");
      },
    expect: { status: 500, headers: { absent: ["X-First"] }, body: "sorry" },
  },
  {
    area,
    name: "throws excInfo once the head has gone, and breaks off",
    request: {},
    app: (probe) =>
      function* broken(_environ, startResponse) {
        startResponse("200 OK", plain());
        yield bytes("begun");
        const error = new Error("too late");
        try {
          startResponse("500 Internal Server Error", plain(), error);
        } catch (thrown) {
          probe.note(thrown === error ? "rethrown" : "another error");
          throw thrown;
        }
      },
    expect: { status: 200, body: "begun", truncated: true, notes: ["rethrown"], errors: "some" },
  },
  {
    area,
    name: "answers 500 when startResponse is called twice without excInfo",
    request: {},
    breaks: true,
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain());
      startResponse("200 OK", plain());
      return [bytes("never sent")];
    },
    expect: { status: 500, bodyWithout: ["never sent"], errors: "some" },
  },
  refusedHead("answers 500 to a status without a code", "OK"),
  refusedHead("answers 500 to a status with two digits", "20 OK"),
  refusedHead("answers 500 to a status with a line end", "200 OK\r\nX-Injected: yes"),
  refusedHead("answers 500 to an informational status", "100 Continue"),
  refusedHead("answers 500 to a header name that is no token", "200 OK", ["X Injected", "yes"]),
  refusedHead("answers 500 to a header name with a line end", "200 OK", ["X-A: 1\r\nX-Injected", "yes"]),
  refusedHead("answers 500 to a header value with a line end", "200 OK", ["X-A", "1\r\nX-Injected: yes"]),
  refusedHead("answers 500 to a header value with a bare line feed", "200 OK", ["X-A", "1\nX-Injected: yes"]),
  refusedHead("answers 500 to a header value with NUL", "200 OK", ["X-A", "a\0b"]),
  refusedHead("answers 500 to a header value beyond latin-1", "200 OK", ["X-A", "€"]),
  refusedHead("answers 500 to a hop-by-hop header", "200 OK", ["Transfer-Encoding", "chunked"]),
  refusedHead("answers 500 to a Connection header", "200 OK", ["Connection", "keep-alive"]),
  {
    area,
    name: "keeps many Set-Cookie headers apart and in order",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse(
        "200 OK",
        plain(["Set-Cookie", "a=1; Path=/"], ["X-Between", "yes"], ["Set-Cookie", "b=2"], ["Set-Cookie", "a=3"]),
      );
      return [bytes("ok")];
    },
    expect: { status: 200, headers: { all: { "Set-Cookie": ["a=1; Path=/", "b=2", "a=3"] } } },
  },
  {
    area,
    name: "sends header values as latin-1",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain(["X-Latin", "caf\u{E9} \u{FF}"]));
      return [bytes("ok")];
    },
    expect: { status: 200, headers: { equals: { "X-Latin": "caf\u{E9} \u{FF}" } } },
  },
  {
    area,
    name: "keeps the case of header names",
    request: {},
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain(["x-LOUD-quiet", "1"], ["ETag", '"x"']));
      return [bytes("ok")];
    },
    expect: { status: 200, headers: { spelled: ["x-LOUD-quiet", "ETag"] } },
  },
  {
    area,
    name: "sends a header that a layer pushes after startResponse",
    request: {},
    app: () => (_environ, startResponse) => {
      const headers = plain();
      startResponse("200 OK", headers);
      headers.push(["X-Pushed", "later"]);
      return [bytes("ok")];
    },
    expect: { status: 200, headers: { equals: { "X-Pushed": "later" } }, body: "ok" },
  },
  {
    area,
    name: "checks a header that is pushed after startResponse",
    request: {},
    breaks: true,
    app: () => (_environ, startResponse) => {
      const headers = plain();
      startResponse("200 OK", headers);
      headers.push(["X-Pushed", "later\r\nX-Injected: yes"]);
      return [bytes("never sent")];
    },
    expect: { status: 500, headers: { absent: ["X-Pushed", "X-Injected"] }, bodyWithout: ["never sent"], errors: "some" },
  },
  {
    area,
    name: "answers 500 to a header list that was sent before, and says what to do",
    request: { repeat: 2 },
    breaks: true,
    app: () => {
      const list: HeaderList = plain();
      return (_environ, startResponse) => {
        startResponse("200 OK", list);
        return [bytes("ok")];
      };
    },
    expect: { status: 500, bodyWithout: ["ok"], errors: "some", errorsWith: ["fresh one"] },
  },
  {
    area,
    name: "answers HEAD as it would GET, without the body",
    request: { method: "HEAD" },
    app: () => (_environ, startResponse) => {
      startResponse("200 OK", plain(["X-Custom", "yes"]));
      return [bytes("not for HEAD")];
    },
    expect: { status: 200, headers: { equals: { "X-Custom": "yes" } }, body: "" },
  },
];
