import { describe, expect, it } from "vitest";
import { turns } from "@gateway/testing/campaign";
import { TestFront } from "./test-front.ts";
import { begin, ending, output, pairs, rec, request } from "./test-records.ts";

import { post, traced } from "./test-traced.ts";

describe("deadlines", () => {
  it("closes a connection that says nothing for silentSeconds, without a report", async () => {
    const front = new TestFront(() => [], { silentSeconds: 5 });
    front.pass(4);
    expect(front.socket.ended).toBe(false);
    front.pass(1);
    await turns();
    expect(front.socket.ended).toBe(true);
    expect(front.refused).toEqual([]);
    front.pass(3);
    await turns();
    expect(front.closed).toBe(1);
  });

  it("gives the rest of a record headerSeconds, which drops do not put off", async () => {
    const front = new TestFront(() => [], { headerSeconds: 3 });
    front.send(rec(9, 0));
    for (const byte of begin(1).slice(0, 4)) {
      front.send(byte);
      front.pass(1);
    }
    await turns();
    expect(front.socket.ended).toBe(true);
  });

  it("leaves a connection open whose record has come to its end, for keepAliveSeconds", async () => {
    const front = new TestFront(() => [], { headerSeconds: 3, silentSeconds: 4, keepAliveSeconds: 20 });
    const asked = rec(9, 0, pairs({ FCGI_MAX_CONNS: "" }));
    front.send(asked.slice(0, 5));
    front.pass(1);
    front.send(asked.slice(5));
    front.pass(19);
    await turns();
    expect(front.socket.ended).toBe(false);
    front.pass(1);
    await turns();
    expect(front.socket.ended).toBe(true);
  });

  it("answers 408 where the variables take longer than headerSeconds, and goes on", async () => {
    const { app } = traced();
    const front = new TestFront(app, { headerSeconds: 3 });
    front.send(begin(1) + rec(4, 1, "\x05") + request(2, { PATH_INFO: "/streams" }));
    await turns();
    front.pass(4);
    expect(output(front.sent, 1)).toContain("Status: 408 Request Timeout");
    expect(front.refused.map(({ code }) => code)).toEqual([408]);
    expect(ending(front.sent, 2)).toBeUndefined();
    front.send(rec(4, 1) + rec(5, 1) + request(1));
    await turns();
    expect(output(front.sent, 1)).toContain("whole");
  });

  it("fails the reading of a body that comes by drops, and only while it is waited for", async () => {
    const front = new TestFront(
      async (environ, startResponse) => {
        await environ["wsgi.input"].read();
        startResponse("200 OK", []);
        return [];
      },
      { bodyBytesPerSecond: 10, bodyGraceSeconds: 2 },
    );
    front.send(post(1, { CONTENT_LENGTH: "100" }));
    for (let i = 0; i < 6; i++) {
      front.send(rec(5, 1, "x"));
      front.pass(1);
      await turns();
    }
    expect(output(front.sent, 1)).toContain("Status: 408");
  });

  it("cuts a front server that takes nothing for writeStallSeconds", async () => {
    const { app, traces } = traced();
    const front = new TestFront(app, { writeStallSeconds: 5 });
    front.socket.isSlow = true;
    front.send(request(1));
    await turns();
    front.pass(5);
    expect(traces[0]?.endings).toEqual([]);
    front.pass(1);
    await turns();
    expect(traces[0]).toMatchObject({ closes: 1, endings: ["gone"] });
    expect(front.closed).toBe(1);
  });

  it("answers 503 after requestSeconds, or breaks off", async () => {
    const { app, traces } = traced();
    const front = new TestFront(app, { requestSeconds: 3 });
    front.send(request(1, { PATH_INFO: "/waits" }));
    await turns();
    front.pass(4);
    await turns();
    expect(output(front.sent, 1)).toContain("Status: 503");
    expect(traces[0]).toMatchObject({ closes: 1, aborts: ["TIME_LIMIT"], endings: ["gone"] });
    front.send(request(1, { PATH_INFO: "/streams" }));
    await turns();
    front.pass(4);
    await turns();
    expect(front.socket.ended).toBe(true);
    expect(traces[1]).toMatchObject({ closes: 1, aborts: ["TIME_LIMIT"] });
    expect(front.refused.map(({ code }) => code)).toEqual([503]);
  });
});

describe("limits", () => {
  it("answers 413 for a body that is announced as too large, or turns out to be", async () => {
    const front = new TestFront(
      async (environ, startResponse) => {
        const body = await environ["wsgi.input"].read();
        startResponse("200 OK", []);
        return [body];
      },
      { maxBodyBytes: 10 },
    );
    front.send(request(1, {}, "x".repeat(11)));
    front.send(request(2, { CONTENT_LENGTH: "" }, "x".repeat(11)));
    front.send(request(3, {}, "x".repeat(10)));
    await turns();
    expect(output(front.sent, 1)).toContain("Status: 413");
    expect(output(front.sent, 2)).toContain("Status: 413");
    expect(output(front.sent, 3)).toContain("xxxxxxxxxx");
  });

  it("lets read() gather maxReadBytes", async () => {
    const front = new TestFront(
      async (environ, startResponse) => {
        const body = await environ["wsgi.input"].read();
        startResponse("200 OK", []);
        return [body];
      },
      { maxReadBytes: 100 },
    );
    front.send(request(1, {}, "x".repeat(101)));
    await turns();
    expect(output(front.sent, 1)).toContain("Status: 413");
  });
});
