import { capture, HTTPError, type Application, type Environ, type ResponseBody } from "@gateway/core";
import { run } from "@gateway/core/gateway";
import { buildEnviron, client } from "@gateway/testing";
import { Writable } from "node:stream";
import pino from "pino";
import { describe, expect, it, vi } from "vitest";
import { accessLog, type AccessLogOptions } from "./access-log.ts";
import { healthChecks } from "./health-checks.ts";
import { requestLogger } from "./request-logger.ts";
import { hello, lineOf, Lines, request, validated } from "./test-log.ts";

const plain = (): [string, string][] => [["Content-Type", "text/plain"]];
const summary = { format: "%m %s %B %{outcome}x %{level}x" };

const applications: Record<string, [Application, string]> = {
  "a buffered body": [hello, "GET 200 5 finished info"],
  "a promise of one": [async (environ, startResponse) => hello(environ, startResponse), "GET 200 5 finished info"],
  "a stream, with a late startResponse": [
    async function* (_environ, startResponse) {
      await Promise.resolve();
      startResponse("202 Accepted", plain());
      yield Buffer.from("one");
      yield Buffer.alloc(0);
      yield Buffer.from("two");
    },
    "GET 202 6 finished info",
  ],
  "write()": [
    (_, startResponse) => {
      const write = startResponse("200 OK", plain());
      void write(Buffer.from("written"));
      return [Buffer.from("!")];
    },
    "GET 200 8 finished info",
  ],
  "a 204": [
    (_, startResponse) => {
      startResponse("204 No Content", []);
      return [];
    },
    "GET 204 0 finished info",
  ],
  "a 304": [
    (_, startResponse) => {
      startResponse("304 Not Modified", [["ETag", '"a"']]);
      return [];
    },
    "GET 304 0 finished info",
  ],
  "a 404": [
    () => {
      throw new HTTPError(404, "No such thing.");
    },
    "GET 404 15 finished warn",
  ],
  "a head that was replaced": [
    (_, startResponse) => {
      startResponse("200 OK", plain());
      startResponse("503 Service Unavailable", plain(), new Error("no"));
      return [Buffer.from("later")];
    },
    "GET 503 5 finished error",
  ],
  "a file body": [
    (environ, startResponse) => {
      startResponse("206 Partial Content", [...plain(), ["Content-Range", "bytes 0-3/10"]]);
      const parts = [Buffer.from("part"), Buffer.alloc(0)];
      return environ["wsgi.file_wrapper"]?.({ read: () => parts.shift() ?? Buffer.alloc(0) }) ?? [];
    },
    "GET 206 4 finished info",
  ],
};

describe("accessLog", () => {
  it.each(Object.entries(applications))("logs %s once, when it is over, and changes nothing of it", async (_, [app, line]) => {
    const lines = new Lines();
    const logged = await client(validated(accessLog({ ...summary, destination: lines }), app)).get("/");
    const bare = await client(app).get("/");
    expect([logged.statusLine, logged.text()]).toEqual([bare.statusLine, bare.text()]);
    expect([...logged.headers]).toEqual([...bare.headers]);
    expect(lines.all).toEqual([`${line}\n`]);
  });

  it("logs no bytes for HEAD", async () => {
    expect(await lineOf(summary, { method: "HEAD" })).toBe("HEAD 200 0 finished info");
  });

  it("logs an application that threw, before the head and after it", async () => {
    const before: Application = () => {
      throw new Error("before");
    };
    expect(await lineOf({ format: "%s %{outcome}x %{level}x" }, { app: before })).toBe("500 failed error");
    const after: Application = async function* (_environ, startResponse) {
      startResponse("200 OK", plain());
      yield Buffer.from("some");
      throw new Error("after");
    };
    expect(await lineOf(summary, { app: after })).toBe("GET 200 4 failed error");
    const promised: Application = async () => {
      throw new Error("promised");
    };
    expect(await lineOf({ format: "%s %{outcome}x" }, { app: promised })).toBe("500 failed");
  });

  it("logs a client that left, a time limit and a server that stopped, each by its name", async () => {
    for (const [code, name, level] of [
      ["CLIENT_GONE", "gone", "warn"],
      ["TIME_LIMIT", "timeout", "error"],
      ["SERVER_STOPPING", "stopped", "warn"],
    ] as const) {
      const lines = new Lines();
      const endless: Application = async function* (_environ, startResponse) {
        startResponse("200 OK", plain());
        for (;;) yield Buffer.from("more");
      };
      const app = validated(accessLog({ format: "%s %{outcome}x %{level}x", destination: lines }), endless);
      const sink = { head() {}, write: () => new Promise<void>(() => {}), end() {}, abort() {} };
      const running = run(app, buildEnviron(), sink);
      // The first chunk is on its way.
      await new Promise((resolve) => setImmediate(resolve));
      running?.gone(Object.assign(new Error("cut"), { code }), 4);
      await running?.done;
      expect(lines.all).toEqual([`200 ${name} ${level}\n`]);
    }
  });

  it("logs the bytes that were handed over where the body was left early, and waits for close()", async () => {
    const lines = new Lines();
    let closed = false;
    const app: Application = (_, startResponse) => {
      startResponse("200 OK", plain());
      const body = (async function* () {
        for (;;) yield Buffer.from("12345");
      })() as ResponseBody;
      body.close = () => {
        expect(lines.all).toEqual([]);
        closed = true;
      };
      return body;
    };
    const response = await client(validated(accessLog({ ...summary, destination: lines }), app)).open("GET", "/");
    let seen = 0;
    for await (const chunk of response.body) {
      seen += chunk.length;
      if (seen === 10) break;
    }
    response.abort();
    const { bodyBytes } = await response.finished;
    expect(closed).toBe(true);
    expect(lines.all).toEqual([`GET 200 ${bodyBytes} gone warn\n`]);
    expect(bodyBytes).toBe(10);
  });

  it("leaves a synchronous application synchronous, and its body as it is", () => {
    const body = [Buffer.from("hello")];
    const app: Application = (_, startResponse) => {
      startResponse("200 OK", plain());
      return body;
    };
    const lines = new Lines();
    const logged = accessLog({ destination: lines })(app);
    expect(logged(buildEnviron(), () => () => {})).toBe(body);
    expect(run(logged, buildEnviron(), { head() {}, write() {}, end() {}, abort() {} })).toBeUndefined();
    expect(lines.all).toHaveLength(1);
  });

  it("shows what the request was when it came, though an inner layer moves the path", async () => {
    const moving: Application = (environ, startResponse) => {
      environ.SCRIPT_NAME = "/a";
      environ.PATH_INFO = "/c";
      environ.QUERY_STRING = "other";
      environ.REQUEST_METHOD = "PUT";
      return hello(environ, startResponse);
    };
    const format = "%m %U%q %{target}x";
    expect(await lineOf({ format }, { target: "/a/b?q", app: moving })).toBe("GET /a/b?q /a/b?q");
    expect(await lineOf({ format }, { target: "/a/b?q", app: moving, environ: { REQUEST_URI: undefined } })).toBe(
      "GET /a/b?q /a/b?q",
    );
  });

  it("encodes the path again where the gateway does not know the target", async () => {
    const environ = { REQUEST_URI: undefined, SCRIPT_NAME: "/\u{E9}", PATH_INFO: '/a "b"\n%', QUERY_STRING: "x=1" };
    expect(await lineOf({ format: '"%r"' }, { environ })).toBe('"GET /%C3%A9/a%20%22b%22%0A%25?x=1 HTTP/1.1"');
  });

  it("shows no response headers of the application where the gateway answered in its place", async () => {
    const app: Application = (_, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/x"]]);
      throw new Error("after all");
    };
    expect(await lineOf({ format: "%s %{Content-Type}o" }, { app })).toBe("500 -");
  });

  it("sees headers that layers outside push", async () => {
    const lines = new Lines();
    const inner = accessLog({ format: "%{X-Outer}o", destination: lines })(hello);
    await request((environ, startResponse) =>
      inner(environ, (status, headers, excInfo) => {
        headers.push(["X-Outer", "yes"]);
        return startResponse(status, headers, excInfo);
      }),
    );
    expect(lines.last).toBe("yes");
  });

  it("counts time from its own start to the head and to the end", async () => {
    // Later than the last look at the time of day, which is taken once a second.
    let now = Math.ceil(performance.now()) + 10_000;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    vi.spyOn(Date, "now").mockImplementation(() => Date.UTC(2030, 0, 1) + now);
    const app: Application = (_, startResponse) => {
      now += 1.5;
      const write = startResponse("200 OK", plain());
      void write(Buffer.from("x"));
      now += 2500.25;
      return [];
    };
    const format = "%{first_byte_ms}x %{total_ms}x %^FB %D %{ms}T %T %{msec}t %{end:msec}t";
    const start = Date.UTC(2030, 0, 1) + now;
    expect(await lineOf({ format }, { app })).toBe(`1.5 2501.75 1500 2501750 2501 2 ${start} ${start + 2501}`);
  });

  it("leaves out what skip is true for; healthChecks are health checks that went well", async () => {
    const lines = new Lines();
    const app = (skip: AccessLogOptions["skip"], inner: Application = hello): Application =>
      validated(accessLog({ format: "%m %U %s", destination: lines, skip }), inner);
    for (const target of ["/healthz", "/livez?verbose", "/other"]) await request(app(healthChecks), { target });
    await request(app(healthChecks), { target: "/healthz", method: "POST" });
    const failing: Application = () => {
      throw new HTTPError(503, "Not ready.");
    };
    await request(app(healthChecks, failing), { target: "/readyz" });
    await request(
      app(({ status, query }) => status === 200 && query === "quiet"),
      { target: "/?quiet" },
    );
    expect(lines.all).toEqual(["GET /other 200\n", "POST /healthz 200\n", "GET /readyz 503\n"]);
  });

  it("logs a share of what went well, and all the rest", async () => {
    const random = vi.spyOn(Math, "random");
    for (const [value, status, logged] of [
      [0.09, "200 OK", true],
      [0.1, "200 OK", false],
      [0.99, "404 Not Found", true],
    ] as const) {
      random.mockReturnValue(value);
      const app: Application = (_, startResponse) => {
        startResponse(status, plain());
        return [];
      };
      expect(await lineOf({ format: "%s", sample: 0.1 }, { app })).toBe(logged ? status.slice(0, 3) : "");
    }
    random.mockReturnValue(0);
    expect(await lineOf({ format: "%s", sample: 0 })).toBe("");
  });

  it("writes what a function makes, as one line of printable ASCII; undefined leaves it out", async () => {
    const format: AccessLogOptions["format"] = (entry) =>
      entry.status === 200 ? JSON.stringify({ path: entry.path, ...(entry.environ["x.y"] as object) }) : undefined;
    const line = await lineOf({ format }, { target: "/caf%C3%A9%0A%1B%22", environ: { "x.y": { z: "\u{2028}\u{7F}" } } });
    expect(line).toMatch(/^[ -~]*$/);
    expect(JSON.parse(line)).toEqual({ path: '/caf\u{E9}\n\u{1B}"', z: "\u{2028}\u{7F}" });
    expect(await lineOf({ format }, { app: applications["a 204"]?.[0] ?? hello })).toBe("");
  });

  it("gives such functions everything of the request and its end", async () => {
    const seen: Record<string, unknown>[] = [];
    await lineOf(
      {
        format({ method, path, query, target, status, outcome, reason, bodyBytes, level, requestId, trace, ...rest }) {
          seen.push({
            method,
            path,
            query,
            target,
            status,
            outcome,
            reason,
            bodyBytes,
            level,
            requestId,
            trace,
            environ: typeof rest.environ,
          });
          return "";
        },
        level: () => "debug",
      },
      { target: "/a%20b?c", environ: { "gateway.request_id": "one", "gateway.trace": "none" } },
    );
    expect(seen).toEqual([
      {
        method: "GET",
        path: "/a b",
        query: "c",
        target: "/a%20b?c",
        status: 200,
        outcome: "finished",
        reason: undefined,
        bodyBytes: 5,
        level: "debug",
        requestId: "one",
        trace: undefined,
        environ: "object",
      },
    ]);
  });

  it("has atoms of the application's own, escaped, in every format", async () => {
    const atoms = { tenant: ({ environ }: { environ: Environ }) => environ.HTTP_X_TENANT, none: () => undefined };
    const given = { headers: [["X-Tenant", 'a "b"\u{E9}']] as [string, string][] };
    expect(await lineOf({ format: '"%{tenant}x" %{none}x', atoms }, given)).toBe(String.raw`"a \"b\"\xc3\xa9" -`);
    expect(await lineOf({ format: "%({tenant}x)s %({none}x)s", atoms }, given)).toBe(String.raw`a\x20\"b\"\xc3\xa9 -`);
    expect(JSON.parse(await lineOf({ format: "json", atoms }, given))).toMatchObject({ tenant: 'a "b"\u{E9}' });
  });

  it("reports what such functions throw, and answers all the same", async () => {
    const bad = (): never => {
      throw new Error("my mistake");
    };
    for (const options of [
      { skip: bad },
      { format: bad },
      { format: "json", level: bad },
      { format: "%{x}x", atoms: { x: bad } },
    ]) {
      const lines = new Lines();
      const http = client(accessLog({ ...options, destination: lines })(hello), { errors: "expected" });
      const answer = await http.get("/");
      expect([answer.status, answer.text(), lines.all]).toEqual([200, "hello", []]);
      expect(answer.errors).toContain("my mistake");
    }
  });
});

describe("the json format", () => {
  const given = {
    method: "BREW",
    target: "/a%2Fb/c?x=1&token=hunter2",
    headers: [
      ["Host", "shop.example:8080"],
      ["User-Agent", "agent\u{E9}\u{9B}"],
      ["Referer", "http://a/?token=hunter2"],
      ["X-One", "1"],
      ["Authorization", "hunter2"],
      ["Content-Length", "0"],
    ] as [string, string][],
    environ: {
      REMOTE_USER: "ada\u{20AC}",
      "gateway.request_id": "id-1",
      "gateway.trace": { traceId: "t", spanId: "s", flags: 3 },
    } as Partial<Environ>,
  };
  const attributes = {
    "http.request.method": "_OTHER",
    "http.request.method_original": "BREW",
    "url.scheme": "http",
    "url.path": "/a%2Fb/c",
    "url.query": "x=1&token=REDACTED",
    "http.response.status_code": 200,
    "client.address": "127.0.0.1",
    "server.address": "shop.example",
    "server.port": 8080,
    "network.protocol.version": "1.1",
    "http.request.header.referer": ["http://a/?token=REDACTED"],
    "http.request.body.size": 0,
    "http.response.body.size": 5,
    "http.server.request.duration": expect.any(Number),
    "gateway.time_to_first_byte": expect.any(Number),
    "gateway.outcome": "finished",
    "gateway.request_id": "id-1",
    trace_id: "t",
    span_id: "s",
    trace_flags: "03",
    "http.request.header.x-one": ["1"],
    "http.request.header.authorization": ["REDACTED"],
    "http.response.header.content-type": ["text/plain"],
  };
  const headers = { requestHeaders: ["X-One", "Authorization", "X-None", "Referer"], responseHeaders: ["Content-Type", "X-None"] };

  it("has OpenTelemetry's names, and text as the client meant it", async () => {
    const line = await lineOf({ format: "json", ...headers }, given);
    expect(line).toMatch(/^[ -~]*$/);
    expect(JSON.parse(line)).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      severity_text: "INFO",
      ...attributes,
      "user_agent.original": "agent\u{E9}\u{9B}",
      "user.name": "ada\u{20AC}",
    });
  });

  it("says by error.type what went wrong, and leaves out what is not there", async () => {
    const failing: Application = () => {
      throw new RangeError("x");
    };
    const environ = { REMOTE_ADDR: "", REMOTE_PORT: undefined, HTTP_HOST: "" };
    const failed: unknown = JSON.parse(await lineOf({ format: "json" }, { app: failing, environ }));
    expect(failed).toMatchObject({
      severity_text: "ERROR",
      "error.type": "RangeError",
      "server.address": "localhost",
      "server.port": 80,
    });
    for (const name of ["client.address", "network.protocol.name", "url.query", "user.name", "trace_id"])
      expect(failed).not.toHaveProperty([name]);
    const bad: Application = (_, startResponse) => {
      startResponse("502 Bad Gateway", plain());
      return [];
    };
    expect(JSON.parse(await lineOf({ format: "json" }, { app: bad }))).toMatchObject({ "error.type": "502" });
    const host = async (value: string): Promise<unknown> =>
      JSON.parse(await lineOf({ format: "json" }, { headers: [["Host", value]] }));
    expect(await host("[::1]:80")).toMatchObject({ "server.address": "[::1]", "server.port": 80 });
    expect(await host("a")).toMatchObject({ "server.address": "a", "server.port": 80 });
  });

  it("goes to a pino logger as attributes, at the level of the status, fit for a terminal", async () => {
    let written = "";
    const logger = pino({ level: "debug" }, { write: (text: string) => void (written += text) });
    const app =
      (status: string): Application =>
      (_, startResponse) => {
        startResponse(status, plain());
        return [Buffer.from("hello")];
      };
    await request(validated(accessLog({ logger, ...headers }), app("200 OK")), given);
    const { level, msg, ...record }: Record<string, unknown> = JSON.parse(written);
    expect([level, msg]).toEqual([30, "BREW /a%2Fb/c?x=1&token=REDACTED 200"]);
    expect(record).toMatchObject({
      ...attributes,
      "user_agent.original": String.raw`agent\xe9\x9b`,
      "user.name": String.raw`ada\xe2\x82\xac`,
    });
    expect(written).toMatch(/^[ -~]*\n$/);
    for (const [status, expected] of [
      ["404 Not Found", 40],
      ["500 Internal Server Error", 50],
    ] as const) {
      written = "";
      await request(validated(accessLog({ logger }), app(status)));
      expect(JSON.parse(written)).toMatchObject({ level: expected });
    }
    written = "";
    await request(validated(accessLog({ logger, level: () => "debug" }), hello));
    expect(JSON.parse(written)).toMatchObject({ level: 20 });
  });

  it("goes to a logger as a line where the format is another", async () => {
    const calls: unknown[][] = [];
    const logger = {
      lines: calls,
      info(...given: unknown[]) {
        this.lines.push(given);
      },
      warn() {},
      error() {},
    };
    await request(validated(accessLog({ logger, format: "%m %s", level: () => "debug" }), hello));
    expect(calls).toEqual([["GET 200"]]);
  });
});

describe("the places of accessLog", () => {
  it("writes to a stream", async () => {
    let written = "";
    const stream = new Writable({
      write(chunk, _encoding, done) {
        written += String(chunk);
        done();
      },
    });
    await request(validated(accessLog({ format: "%m", stream }), hello));
    expect(written).toBe("GET\n");
  });

  it("writes to standard error, or to wsgi.errors where it is told to", async () => {
    const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await request(validated(accessLog({ format: "%m %s" }), hello));
    expect(write.mock.calls.map(([text]) => text)).toEqual(["GET 200\n"]);
    expect(await request(validated(accessLog({ format: "%m %s", destination: "wsgi.errors" }), hello))).toBe("GET 200\n");
  });

  it("lets requests wait for a destination that has no room", async () => {
    let open = (): void => {};
    let room: Promise<void> | undefined = new Promise((resolve) => (open = resolve));
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line), ready: () => room };
    let called = false;
    const app = validated(accessLog({ format: "%s", destination }), (environ, startResponse) => {
      called = true;
      return hello(environ, startResponse);
    });
    const answered = request(app);
    await new Promise((resolve) => setImmediate(resolve));
    expect(called).toBe(false);
    room = undefined;
    open();
    await answered;
    expect([called, lines]).toEqual([true, ["200\n"]]);
  });

  it("may stand in an onion more than once, and in front of a whole-response layer", async () => {
    const [outer, inner] = [new Lines(), new Lines()];
    const whole: Application = async (environ, startResponse) => {
      const response = await capture(accessLog({ format: "in %s", destination: inner })(hello), environ);
      await response.body.close?.();
      startResponse("418 Teapot", plain());
      return [];
    };
    await request(validated(accessLog({ format: "out %s", destination: outer }), whole));
    // Both tell what the client got: only the gateway knows it.
    expect([outer.all, inner.all]).toEqual([["out 418\n"], ["in 418\n"]]);
  });
});

describe("the options of accessLog", () => {
  it.each<[AccessLogOptions, string]>([
    [{ file: "a", stream: { write() {} } }, "lines go to one place, not to file and stream"],
    [{ reopenSignal: "SIGHUP" }, "reopenSignal is for file"],
    [{ format: 3 as unknown as string }, "format is a string or a function"],
    [{ skip: true as unknown as () => boolean }, "skip is a function"],
    [{ level: "info" as unknown as () => "info" }, "level is a function"],
    [{ sample: 1.5 }, "sample is a number from 0 to 1"],
    [{ sample: Number.NaN }, "sample is a number from 0 to 1"],
    [{ colour: "blue" as "auto" }, 'colour is "auto", "always" or "never"'],
    [{ requestHeaders: ["a b"] }, 'requestHeaders: "a b" is no header name'],
    [{ responseHeaders: [""] }, 'responseHeaders: "" is no header name'],
    [{ atoms: { "a b": () => "" } }, "atoms: a b is no name with a function"],
    [{ atoms: { a: "b" as unknown as () => string } }, "atoms: a is no name with a function"],
    [{ logger: { info() {} } as unknown as Console }, "a logger has info, warn and error"],
    [{ destination: {} as Lines }, "a destination has a function write"],
    [{ stream: {} as Writable }, "a stream has a function write"],
    [{ redact: { query: [3] as unknown as string[] } }, "redact.query is a list of names"],
    [{ file: "" }, "the path of a log file is empty"],
    [{ file: "/no/such/folder/access.log" }, "ENOENT"],
  ])("refuses %o", (options, message) => {
    expect(() => accessLog(options)).toThrow(message);
  });
});

describe("requestLogger", () => {
  it("gives each request a logger whose lines have its ids", async () => {
    let written = "";
    const logger = pino({ base: null, timestamp: false }, { write: (text: string) => void (written += text) });
    const app = validated(requestLogger(logger), (environ, startResponse) => {
      (environ["gateway.logger"] as typeof logger).info("working");
      return hello(environ, startResponse);
    });
    await request(app, { environ: { "gateway.request_id": "one", "gateway.trace": { traceId: "t", spanId: "s" } } });
    await request(app);
    expect(written).toBe(
      '{"level":30,"gateway.request_id":"one","trace_id":"t","span_id":"s","msg":"working"}\n{"level":30,"msg":"working"}\n',
    );
  });

  it("refuses a logger without children", () => {
    expect(() => requestLogger({} as { child(): void })).toThrow("requestLogger takes a logger with child(bindings)");
  });
});
