import { describe, expect, it } from "vitest";
import { turns } from "@gateway/testing/campaign";
import { TestFront } from "./test-front.ts";
import { begin, ending, output, rec, records, request } from "./test-records.ts";

import { post, traced } from "./test-traced.ts";

describe("ABORT_REQUEST", () => {
  it.each(["/waits", "/streams"])("in %s: close() once, END_REQUEST, and the connection goes on", async (path) => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.send(request(1, { PATH_INFO: path }));
    await turns();
    front.send(rec(2, 1));
    front.send(rec(2, 1));
    await turns();
    expect(ending(front.sent, 1)).toEqual([0, 0]);
    expect(records(front.sent).filter(({ type }) => type === 3)).toHaveLength(1);
    expect(output(front.sent, 1)).not.toContain("too late");
    expect(traces[0]).toMatchObject({ closes: 1, aborts: ["CLIENT_GONE"], endings: ["gone"] });
    front.send(request(1));
    await turns();
    expect(output(front.sent, 1)).toContain("whole");
    expect(front.errors).toBe("");
  });

  it("before the end of PARAMS is answered, and calls nobody", () => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.send(begin(1) + rec(4, 1, "\x05") + rec(2, 1) + rec(4, 1, "\x05") + rec(4, 1));
    expect(ending(front.sent, 1)).toEqual([0, 0]);
    expect(traces).toEqual([]);
  });

  it("of one request leaves the others on the connection alone", async () => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.send(request(1, { PATH_INFO: "/streams" }) + request(2, { PATH_INFO: "/streams" }));
    await turns();
    front.send(rec(2, 1));
    await turns();
    expect(traces.map(({ endings }) => endings)).toEqual([["gone"], []]);
    expect(ending(front.sent, 2)).toBeUndefined();
    front.send(rec(2, 2));
    await turns();
    expect(traces[1]?.endings).toEqual(["gone"]);
  });

  it("fails the reading of a body", async () => {
    const notes: string[] = [];
    const front = new TestFront(async (environ, startResponse) => {
      await environ["wsgi.input"].read().catch((error: Error) => notes.push(error.name));
      startResponse("200 OK", []);
      return [];
    });
    front.send(post(1, { CONTENT_LENGTH: "10" }) + rec(5, 1, "half"));
    await turns();
    front.send(rec(2, 1));
    await turns();
    expect(notes).toHaveLength(1);
  });
});

describe("a front server that goes away", () => {
  it.each(["/waits", "/streams"])("in %s: close() once for every request", async (path) => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.send(request(1, { PATH_INFO: path }) + request(2, { PATH_INFO: path }) + begin(3));
    await turns();
    front.socket.destroy();
    await turns();
    for (const trace of traces) expect(trace).toMatchObject({ closes: 1, aborts: ["CLIENT_GONE"], endings: ["gone"] });
    expect(traces).toHaveLength(2);
    expect(front.closed).toBe(1);
  });

  it("before the last bytes were taken: the response has not finished", async () => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.socket.isSlow = true;
    front.send(request(1));
    await turns();
    expect(traces[0]?.endings).toEqual([]);
    front.socket.destroy();
    await turns();
    expect(traces[0]).toMatchObject({ closes: 1, endings: ["gone"] });
  });
});

describe("a response that breaks off", () => {
  it("ends the connection without END_REQUEST where it runs alone", async () => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.send(request(1, { PATH_INFO: "/breaks" }));
    await turns();
    expect(output(front.sent, 1)).toContain("begun");
    expect(ending(front.sent, 1)).toBeUndefined();
    expect(front.socket.ended).toBe(true);
    expect(traces[0]).toMatchObject({ closes: 1, endings: ["failed"] });
    expect(front.errors).toContain("on purpose");
  });

  it("ends with an appStatus where others run on the connection, and leaves them alone", async () => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.send(request(1, { PATH_INFO: "/streams" }) + request(2, { PATH_INFO: "/breaks" }));
    await turns();
    expect(ending(front.sent, 2)).toEqual([1, 0]);
    expect(front.socket.ended).toBe(false);
    front.send(rec(2, 1) + request(2));
    await turns();
    expect(output(front.sent, 2)).toContain("whole");
    expect(traces.map(({ endings }) => endings)).toEqual([["gone"], ["failed"], ["finished"]]);
  });
});
