import { once } from "node:events";
import { connect } from "node:net";
import type { Application, ResponseBody } from "@gateway/core";
import { campaignTimeout, eventually, scaled, seededRandom, turns } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { observedServer } from "./test-observed-server.ts";
import { request, testServer, TestClient } from "./test-client.ts";

/** What became of one request. */
interface Trace {
  /** Bodies the application handed over. */
  bodies: number;
  closes: number;
  endings: string[];
  aborts: number;
}

type Step = (client: TestClient, random: () => number) => Promise<void>;

interface Phase {
  name: string;
  /** Sends what leads into the phase, and resolves when the server is in it. */
  enter: Step;
  /** How the exchange may end; none where no request reaches the application. */
  outcomes: readonly string[];
}

const wire = request("/stream?ID", "X-Filler: abcdefghijklmnop\r\n");

const phases: Phase[] = [
  {
    name: "in the head",
    // At any of its bytes.
    async enter(client, random) {
      client.send(wire.slice(0, 1 + Math.floor(random() * (wire.length - 3))));
    },
    outcomes: [],
  },
  {
    name: "in the request body",
    async enter(client, random) {
      const isChunked = random() < 0.5;
      const headers = isChunked ? "Transfer-Encoding: chunked\r\n" : "Content-Length: 100\r\n";
      const sent = Math.floor(random() * 99);
      client.send(request("/upload?ID", headers, isChunked ? `64\r\n${"x".repeat(sent)}` : "x".repeat(sent), "POST"));
    },
    outcomes: ["gone"],
  },
  {
    name: "before the first chunk",
    async enter(client) {
      client.send(request("/waits?ID"));
    },
    outcomes: ["gone"],
  },
  {
    name: "mid-stream",
    async enter(client) {
      client.send(request("/stream?ID"));
      await client.until((text) => text.includes("part 3"));
    },
    outcomes: ["gone"],
  },
  {
    name: "after the last chunk",
    async enter(client) {
      client.send(request("/whole?ID"));
      await client.until((text) => text.endsWith("hello"));
    },
    outcomes: ["finished"],
  },
];

/** Answers by path, and keeps a trace of each request, by the id in its query. */
function tracingApp(traces: Map<string, Trace>): Application {
  return async (environ, startResponse) => {
    const trace: Trace = { bodies: 0, closes: 0, endings: [], aborts: 0 };
    traces.set(environ.QUERY_STRING, trace);
    const { signal } = environ["gateway.exchange"];
    environ["gateway.exchange"].onEnd((ending) => trace.endings.push(ending.outcome));
    const gone = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => {
        trace.aborts++;
        resolve();
      });
    });
    const traced = (body: ResponseBody): ResponseBody => {
      trace.bodies++;
      return Object.assign(body, { close: () => void trace.closes++ });
    };
    // A client that leaves in its body is told to who reads it; this application answers all the same.
    if (environ.PATH_INFO === "/upload") await environ["wsgi.input"].read().catch(() => {});
    startResponse("200 OK", [["Content-Type", "text/plain"]]);
    if (environ.PATH_INFO === "/whole") return traced([Buffer.from("hello")]);
    async function* stream(): AsyncGenerator<Uint8Array> {
      if (environ.PATH_INFO === "/stream") for (let part = 0; part < 5; part++) yield Buffer.from(`part ${part}\n`);
      await gone;
      yield Buffer.from("too late");
    }
    return traced(stream());
  };
}

describe("requests that are aborted", () => {
  it.each(phases)(
    "$name: close() runs once for each body, the listeners once, and nothing is left",
    async ({ enter, outcomes }) => {
      const traces = new Map<string, Trace>();
      const unhandled: unknown[] = [];
      const keep = (error: unknown): void => void unhandled.push(error);
      process.on("unhandledRejection", keep).on("uncaughtException", keep);
      await using server = await observedServer(tracingApp(traces));
      const random = seededRandom(3);
      const requests = scaled(2000);
      let next = 0;
      const abortOne = async (): Promise<void> => {
        while (next < requests) {
          const id = String(next++);
          const client = new TestClient(connect({ port: server.port, host: "127.0.0.1" }));
          await once(client.socket, "connect");
          // What is sent names the request.
          const send = client.send.bind(client);
          client.send = (text) => send(typeof text === "string" ? text.replace("?ID", `?${id}`) : text);
          await enter(client, random);
          const { localPort } = client.socket;
          const read = (): number => server.sockets.findLast((socket) => socket.remotePort === localPort)?.bytesRead ?? 0;
          await eventually(() => (outcomes.length === 0 ? read() > 0 : traces.has(id)));
          client.socket.resetAndDestroy();
          await client.closed;
        }
      };
      await Promise.all(Array.from({ length: 20 }, abortOne));
      await eventually(() => server.sockets.length === requests && server.sockets.every((socket) => socket.closed));
      await eventually(() => [...traces.values()].every((trace) => trace.endings.length > 0));
      // One turn more, for what might come twice.
      await new Promise((resolve) => setImmediate(resolve));
      process.off("unhandledRejection", keep).off("uncaughtException", keep);
      expect(unhandled).toEqual([]);
      expect(server.errors).toEqual([]);
      expect(traces.size).toBe(outcomes.length === 0 ? 0 : requests);
      for (const [id, trace] of traces) {
        const aborts = trace.endings[0] === "gone" ? 1 : 0;
        expect([id, trace]).toEqual([id, { bodies: 1, closes: 1, endings: trace.endings, aborts }]);
        expect(trace.endings).toHaveLength(1);
        expect(outcomes).toContain(trace.endings[0]);
      }
    },
    campaignTimeout,
  );
});

describe("a client that half-closes", () => {
  it("is answered also when its whole body waits unread", async () => {
    const app: Application = async (environ, startResponse) => {
      // The end of the client's side is seen before the body is.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      const body = await environ["wsgi.input"].read();
      startResponse("200 OK", []);
      return [Buffer.from("got "), body];
    };
    await using server = await testServer(app);
    expect(await server.exchange(request("/", "Content-Length: 5\r\n", "hello", "POST"))).toContain("got hello");
    const chunked = request("/", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "POST");
    expect(await server.exchange(chunked)).toContain("got hello");
    expect(await server.exchange(request("/", "Content-Length: 6\r\n", "hello", "POST"))).toContain("400 Bad Request");
  });
});

describe("a client that resets the connection while a body goes on without waiting for anything", () => {
  // Its last piece is what waits, often enough, when the system takes no more.
  const chunk = Buffer.alloc(190_000);
  const tries = scaled(300);

  it.each(["synchronous", "asynchronous"])(
    `${tries} times: nothing more is pulled of a body that is %s`,
    async (kind) => {
      let pulledInVain = 0;
      const endings: string[] = [];
      await using server = await observedServer((environ, startResponse) => {
        environ["gateway.exchange"].onEnd(({ outcome }) => endings.push(outcome));
        startResponse("200 OK", []);
        const socket = server.sockets.at(-1);
        // Not without an end: that would be a hang, and no failure.
        function* chunks(): Generator<Uint8Array> {
          for (let left = 3000; left > 0; left--) {
            if (socket?.destroyed === true) pulledInVain++;
            yield chunk;
          }
        }
        return kind === "synchronous" ? chunks() : asynchronous(chunks());
      });
      const random = seededRandom(7);
      for (let i = 0; i < tries; i++) {
        const socket = connect({ port: server.port, host: "127.0.0.1" });
        const most = random() * 3_000_000;
        let received = 0;
        socket.on("data", (bytes) => {
          received += bytes.length;
          if (received > most) socket.pause();
        });
        socket.write(request("/"));
        await once(socket, "pause");
        // Until the system takes no more.
        await turns(20);
        socket.resetAndDestroy();
        await eventually(() => endings.length === i + 1);
      }
      expect(new Set(endings)).toEqual(new Set(["gone"]));
      expect(pulledInVain).toBe(0);
    },
    campaignTimeout,
  );
});

async function* asynchronous(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
