import type { Application } from "@gateway/core";
import { describe, expect, it, vi } from "vitest";
import { accessLog } from "./access-log.ts";
import { hello, lineOf, Lines, request } from "./test-log.ts";

const plain = (): [string, string][] => [["Content-Type", "text/plain"]];

describe("what a line of accessLog says", () => {
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
});
