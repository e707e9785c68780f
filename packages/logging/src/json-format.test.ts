import type { Application, Environ } from "@gateway/core";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { accessLog } from "./access-log.ts";
import { hello, lineOf, request, validated } from "./test-log.ts";

const plain = (): [string, string][] => [["Content-Type", "text/plain"]];

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
