import { HTTPError, type Application, type Environ, type ResponseBody } from "@gateway/core";
import { run } from "@gateway/core/gateway";
import { buildEnviron, client } from "@gateway/testing";
import { describe, expect, it, vi } from "vitest";
import { accessLog, type AccessLogOptions } from "./access-log.ts";
import { healthChecks } from "./health-checks.ts";
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
