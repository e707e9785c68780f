import type { Application } from "@gateway/core";
import { client, ResponseAborted } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { measure } from "./measure.ts";
import { RequestCounters } from "./request-counters.ts";
import { statusLabel } from "./request-labels.ts";

const app: Application = (environ, startResponse) => {
  const status = environ.PATH_INFO.slice(1, 4);
  if (environ.PATH_INFO === "/throw") throw new Error("no");
  startResponse(`${status} Whatever`, status === "204" || status === "304" ? [] : [["Content-Type", "text/plain"]]);
  return status === "204" || status === "304" ? [] : [Buffer.alloc(150, "x")];
};

/** The counters between validators. */
function counted(app: Application): { counters: RequestCounters; http: ReturnType<typeof client> } {
  const counters = new RequestCounters();
  return { counters, http: client(validator(counters.count(validator(app))), { errors: "ignore" }) };
}

const brief = (counters: RequestCounters): unknown =>
  counters.requests().map(({ method, status, error, durations, bytes }) => ({
    method,
    status,
    error,
    bytes,
    count: durations.reduce((a, b) => a + b),
  }));

describe("RequestCounters", () => {
  it("counts requests by method and status, and the bytes that were sent", async () => {
    const { counters, http } = counted(app);
    await http.get("/200");
    await http.get("/200");
    await http.post("/404");
    await http.head("/200");
    await http.get("/204");
    expect(brief(counters)).toEqual([
      { method: "GET", status: 200, error: "", bytes: 300, count: 2 },
      { method: "POST", status: 404, error: "", bytes: 150, count: 1 },
      { method: "HEAD", status: 200, error: "", bytes: 0, count: 1 },
      { method: "GET", status: 204, error: "", bytes: 0, count: 1 },
    ]);
    expect(counters.requests()[0]?.sizes).toEqual([0, 0, 2, 0, 0, 0, 0, 0, 0]);
  });

  it("tells what failed, and how", async () => {
    const broken: Application = (environ, startResponse) => {
      startResponse("200 OK", [["Content-Type", "text/plain"]]);
      return (async function* () {
        yield Buffer.from("one");
        if (environ.PATH_INFO === "/failed") throw new Error("no");
        await new Promise((resolve) => environ["gateway.exchange"].signal.addEventListener("abort", resolve));
      })();
    };
    const { counters, http } = counted((environ, start) =>
      environ.PATH_INFO === "/throw" ? app(environ, start) : broken(environ, start),
    );
    expect((await http.get("/throw")).status).toBe(500);
    await expect(http.get("/failed")).rejects.toThrow(ResponseAborted);
    const response = await http.open("GET", "/gone");
    await response.body[Symbol.asyncIterator]().next();
    expect(counters.active()).toEqual([{ method: "GET", scheme: "http", count: 1 }]);
    response.abort();
    await response.finished;
    expect(brief(counters)).toMatchObject([
      { status: 500, error: expect.stringMatching(/^(500|failed)$/) as string },
      { status: 200, error: "failed", bytes: 3 },
      { status: 200, error: "client_gone", bytes: 3 },
    ]);
    expect(counters.active()).toEqual([{ method: "GET", scheme: "http", count: 0 }]);
  });

  it("has few series, whatever clients and the application say", async () => {
    const { counters, http } = counted(app);
    for (let status = 200; status < 600; status++) await http.request("GET", `/${status}`);
    for (let i = 0; i < 50; i++) await http.request(`METHOD-${i}`, "/200");
    const labels = counters.requests().map(({ method, status }) => `${method} ${status}`);
    expect(labels).toContain("_OTHER 200");
    expect(labels).toContain("GET 200");
    expect(labels).toContain("GET 500");
    expect(labels).not.toContain("GET 599");
    expect(labels.length).toBeLessThan(70);
    const all = counters.requests().flatMap(({ durations }) => durations);
    expect(all.reduce((a, b) => a + b)).toBe(450);
  });

  it("puts a duration into the first bucket that holds it", () => {
    const counters = new RequestCounters();
    for (const milliseconds of [0, 5, 5.001, 10_000, 10_000.1]) {
      const environ = {
        REQUEST_METHOD: "GET",
        "wsgi.url_scheme": "https",
        "gateway.exchange": {
          onEnd: (listener: (ending: object) => void) =>
            listener({
              outcome: "finished",
              reason: undefined,
              status: "200 OK",
              bodyBytes: 1,
              startedAt: 100,
              headAt: 100,
              endedAt: 100 + milliseconds,
            }),
        },
      };
      void counters.count(() => [])(environ as unknown as Parameters<Application>[0], () => () => {});
    }
    const [series] = counters.requests();
    expect(series?.durations).toEqual([2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect(series?.seconds).toBeCloseTo(20.010101, 6);
    expect(series?.scheme).toBe("https");
  });

  it("tells a time limit from a client that left", () => {
    const counters = new RequestCounters();
    const environ = {
      REQUEST_METHOD: "GET",
      "wsgi.url_scheme": "http",
      "gateway.exchange": {
        onEnd: (listener: (ending: object) => void) =>
          listener({
            outcome: "gone",
            reason: { code: "TIME_LIMIT" },
            status: "",
            bodyBytes: 0,
            startedAt: 0,
            headAt: undefined,
            endedAt: 1,
          }),
      },
    };
    void counters.count(() => [])(environ as unknown as Parameters<Application>[0], () => () => {});
    expect(brief(counters)).toEqual([{ method: "GET", status: 0, error: "timeout", bytes: 0, count: 1 }]);
  });

  it("makes no promise for a synchronous application", () => {
    const body: Uint8Array[] = [];
    const counters = new RequestCounters();
    const environ = { REQUEST_METHOD: "GET", "wsgi.url_scheme": "http", "gateway.exchange": { onEnd() {} } };
    expect(counters.count(() => body)(environ as unknown as Parameters<Application>[0], () => () => {})).toBe(body);
  });
});

describe("statusLabel", () => {
  it.each([
    ["200 OK", 200],
    ["", 0],
    ["299 Odd", 200],
    ["599", 500],
    ["999 Never", 0],
    ["abc", 0],
  ])("makes of %j %i", (line, label) => {
    expect(statusLabel(line)).toBe(label);
  });
});

describe("measure", () => {
  it("gives a snapshot that survives JSON", async () => {
    const measurements = measure();
    await client(measurements.wrap(app)).get("/200");
    const snapshot = measurements.report();
    measurements.close();
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect(snapshot.requests).toHaveLength(1);
    const { process } = snapshot;
    expect(process.memory).toBeGreaterThan(process.heapUsed);
    expect(process.loopActive + process.loopIdle).toBeGreaterThan(0);
    expect(process.loopUtilization).toBeGreaterThanOrEqual(0);
    expect(process.loopUtilization).toBeLessThanOrEqual(1);
  });
});
