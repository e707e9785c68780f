import { ExchangeAborted } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { turns } from "@gateway/testing/campaign";
import { TestFront } from "./test-front.ts";
import { rec, records, request } from "./test-records.ts";

import { traced } from "./test-traced.ts";

describe("shutdown", () => {
  it("gives an idle connection a moment, in which a request is still served", async () => {
    const { app } = traced();
    const front = new TestFront(app);
    front.send(request(1));
    front.stopping = true;
    front.connection.stop(2);
    front.pass(1);
    front.send(request(1, { PATH_INFO: "/again" }));
    await turns();
    expect(records(front.sent).filter(({ type }) => type === 3)).toHaveLength(2);
    expect(front.socket.ended).toBe(true);
    const idle = new TestFront(app);
    idle.stopping = true;
    idle.connection.stop(2);
    idle.pass(2);
    await turns();
    expect(idle.socket.ended).toBe(true);
  });

  it("finishes what is under way, and closes then", async () => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.send(request(1, { PATH_INFO: "/streams" }) + request(2, { PATH_INFO: "/streams" }));
    await turns();
    front.stopping = true;
    front.connection.stop(1);
    front.pass(10);
    expect(front.socket.ended).toBe(false);
    front.send(rec(2, 1));
    await turns();
    expect(front.socket.ended).toBe(false);
    front.send(rec(2, 2));
    await turns();
    expect(front.socket.ended).toBe(true);
    expect(traces.map(({ endings }) => endings)).toEqual([["gone"], ["gone"]]);
  });

  it("cuts what has not finished", async () => {
    const { app, traces } = traced();
    const front = new TestFront(app);
    front.send(request(1, { PATH_INFO: "/streams" }));
    await turns();
    front.connection.cut(new ExchangeAborted("SERVER_STOPPING"));
    await turns();
    expect(traces[0]).toMatchObject({ closes: 1, aborts: ["SERVER_STOPPING"], endings: ["gone"] });
    expect(front.closed).toBe(1);
  });
});
