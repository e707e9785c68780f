import type { Application, ResponseBody } from "@gateway/core";
import { ExchangeAborted } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { turns } from "@gateway/testing/campaign";
import { TestFront } from "./test-front.ts";
import { begin, ending, output, pairs, rec, records, request, stream } from "./test-records.ts";

const post = (id: number, variables: Readonly<Record<string, string>> = {}): string =>
  begin(id) + stream(4, id, pairs({ REQUEST_METHOD: "POST", PATH_INFO: "/", ...variables }));

/** What became of one request. */
interface Trace {
  closes: number;
  aborts: string[];
  endings: string[];
  pulled: number;
}

/** Answers by path: waits before the response, in it, or is done at once. */
function traced(): { app: Application; traces: Trace[] } {
  const traces: Trace[] = [];
  const app: Application = (environ, startResponse) => {
    const trace: Trace = { closes: 0, aborts: [], endings: [], pulled: 0 };
    traces.push(trace);
    const exchange = environ["gateway.exchange"];
    const { signal } = exchange;
    const gone = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => {
        trace.aborts.push(signal.reason instanceof ExchangeAborted ? signal.reason.code : "?");
        resolve();
      });
    });
    exchange.onEnd(({ outcome }) => trace.endings.push(outcome));
    const closing = (body: ResponseBody): ResponseBody => Object.assign(body, { close: () => void trace.closes++ });
    const start = (): void => void startResponse("200 OK", [["Content-Type", "text/plain"]]);
    async function* streamed(): AsyncGenerator<Uint8Array> {
      start();
      trace.pulled++;
      yield Buffer.from("begun");
      await gone;
      yield Buffer.from("too late");
    }
    switch (environ.PATH_INFO) {
      case "/waits":
        return gone.then(() => {
          start();
          return closing([Buffer.from("too late")]);
        });
      case "/streams":
        return closing(streamed());
      case "/breaks":
        start();
        return closing(
          (function* broken() {
            yield Buffer.from("begun");
            throw new Error("on purpose");
          })(),
        );
      default:
        start();
        return closing([Buffer.from("whole")]);
    }
  };
  return { app, traces };
}

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

describe("back-pressure", () => {
  it("pulls no more than a slow front server takes, of one response and of several", async () => {
    let pulled = 0;
    const app: Application = (_environ, startResponse) => {
      startResponse("200 OK", []);
      return (function* endless() {
        for (;;) {
          pulled++;
          yield Buffer.alloc(64 * 1024);
        }
      })();
    };
    const front = new TestFront(app);
    front.socket.isSlow = true;
    front.send(request(1) + request(2) + request(3));
    await turns(10);
    expect(pulled).toBeLessThan(10);
    const before = pulled;
    for (let i = 0; i < 20; i++) {
      front.socket.takeOne();
      await turns();
    }
    expect(pulled).toBeGreaterThan(before);
    expect(pulled).toBeLessThan(before + 40);
    front.socket.destroy();
    await turns();
  });

  it("makes a front server wait whose body nobody reads, and lets it go on when somebody does", async () => {
    let read: (() => Promise<number>) | undefined;
    const app: Application = async (environ, startResponse) => {
      let received = 0;
      await new Promise<void>((resolve) => {
        read = async () => {
          for await (const chunk of environ["wsgi.input"]) received += chunk.length;
          resolve();
          return received;
        };
      });
      startResponse("200 OK", []);
      return [Buffer.from(String(received))];
    };
    const front = new TestFront(app);
    front.push(post(1, { CONTENT_LENGTH: String(40 * 60_000) }));
    await turns();
    let sent = 0;
    while (!front.socket.isPaused() && sent < 40) {
      front.push(rec(5, 1, "x".repeat(60_000)));
      sent++;
      await turns();
    }
    expect(sent).toBeLessThan(8);
    const received = read?.();
    for (; sent < 40; sent++) {
      front.push(rec(5, 1, "x".repeat(60_000)));
      await turns(1);
    }
    front.push(rec(5, 1));
    expect(await received).toBe(40 * 60_000);
    await turns();
    expect(output(front.sent, 1)).toContain("\r\n\r\n2400000");
  });

  it("holds small pieces of a body together", async () => {
    const front = new TestFront(async (environ, startResponse) => {
      await new Promise((resolve) => setImmediate(resolve));
      let chunks = 0;
      let bytes = "";
      for await (const chunk of environ["wsgi.input"]) {
        chunks++;
        bytes += Buffer.from(chunk).toString();
      }
      startResponse("200 OK", []);
      return [Buffer.from(`${chunks} ${bytes}`)];
    });
    const body = Array.from({ length: 20_000 }, (_, i) => "abcdefghijklmnopq"[i % 17]).join("");
    front.send(request(1, {}, body, { cut: 1 }));
    await turns(10);
    const [chunks, received] = output(front.sent, 1).split("\r\n\r\n")[1]?.split(" ") ?? [];
    expect(received).toBe(body);
    expect(Number(chunks)).toBeLessThan(6);
  });

  it("does not read a front server that does not read the answers to its own records", async () => {
    const front = new TestFront(() => []);
    front.socket.isSlow = true;
    let sent = 0;
    const question = rec(9, 0, pairs({ FCGI_MAX_CONNS: "" })).repeat(100) + rec(77, 0).repeat(100) + begin(1, true, 3).repeat(100);
    while (!front.socket.isPaused() && sent < 1000) {
      front.push(question);
      sent++;
      await turns(1);
    }
    expect(sent).toBeLessThan(30);
    front.socket.catchUp();
    await turns();
    expect(front.socket.isPaused()).toBe(false);
    front.socket.destroy();
    await turns();
  });
});

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
