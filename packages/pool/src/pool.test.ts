import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { compose, ExchangeAborted, HTTPError, type Application, type Environ } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { drain, pool, poolState, type PoolEnviron, type PoolOptions } from "./index.ts";
import { FakeConnection, FakePool } from "./test-pool.ts";

type App = Application<Environ & PoolEnviron<FakeConnection>>;

let source: FakePool;

beforeEach(() => {
  source = new FakePool();
});

/** Nothing is out, nothing went back twice, and nobody waits. */
afterEach(() => {
  vi.useRealTimers();
  assert.deepEqual({ out: source.out, mistakes: source.mistakes, waiting: source.waiting }, { out: 0, mistakes: [], waiting: 0 });
});

/** The layer with the validator on both sides. */
function served(app: App, options: PoolOptions<FakeConnection> = {}): Application {
  return validator(pool(source, options)(validator(app as Application) as App));
}
const inTransaction = (app: App): Application => served(app, { transaction: true });

const plain = (): [string, string][] => [["Content-Type", "text/plain"]];
const states = (): readonly string[] => source.connections.map(({ state }) => state);
/** Lets everything that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Writes a row, and answers with an array. */
const buffered =
  (status = "200 OK"): App =>
  async (environ, startResponse) => {
    const connection = await environ["gateway.connection"]();
    await connection.query("INSERT");
    startResponse(status, plain());
    return [Buffer.from("done")];
  };

/** Writes a row for each chunk of its stream. */
const streamed = (chunks: readonly string[]): App =>
  async function* (environ, startResponse) {
    startResponse("200 OK", plain());
    for (const chunk of chunks) {
      const connection = await environ["gateway.connection"]();
      await connection.query("INSERT");
      yield Buffer.from(chunk);
    }
  };

describe("pool", () => {
  it("takes no connection for a request that does not ask, makes no promise, and hands on the very body", () => {
    const body = [Buffer.from("x")];
    const app: App = (_, startResponse) => {
      startResponse("200 OK", plain());
      return body;
    };
    for (const transaction of [false, true]) {
      expect(pool(source, { transaction })(app)(buildEnviron(), () => () => {})).toBe(body);
    }
    expect(source.connections).toEqual([]);
  });

  it("takes one when it is first asked for, and the same one after that", async () => {
    const app = served(async (environ, startResponse) => {
      const [one, other] = await Promise.all([environ["gateway.connection"](), environ["gateway.connection"]()]);
      startResponse("200 OK", plain());
      return [Buffer.from(String(one === other && one === (await environ["gateway.connection"]()) && one.state))];
    });
    expect((await client(app).get("/")).text()).toBe("out");
    expect([source.connections.length, states()]).toEqual([1, ["free"]]);
  });

  it("gives it back when an array is returned, before a slow client has it", async () => {
    const response = await client(served(buffered())).open("GET", "/");
    await settle();
    expect(states()).toEqual(["free"]);
    for await (const chunk of response.body) expect(Buffer.from(chunk).toString()).toBe("done");
    await response.finished;
  });

  it("gives it back when a stream has ended, or a file is handed over", async () => {
    expect((await client(served(streamed(["a", "b", "c"]))).get("/")).text()).toBe("abc");
    expect(states()).toEqual(["free"]);
    const file: App = async (environ, startResponse) => {
      await environ["gateway.connection"]();
      startResponse("200 OK", plain());
      const blocks = ["fi", "le", ""];
      return environ["wsgi.file_wrapper"]?.({ read: () => Buffer.from(blocks.shift() ?? "") }) ?? [];
    };
    expect((await client(pool(source)(file)).get("/")).text()).toBe("file");
    expect((await client(pool(source, { transaction: true })(file)).get("/")).text()).toBe("file");
    expect(source.statements).toEqual(["INSERT", "INSERT", "INSERT", "BEGIN", "COMMIT"]);
  });

  it("gives it back when a synchronous stream is closed", async () => {
    const rows: App = async (environ, startResponse) => {
      await environ["gateway.connection"]();
      startResponse("200 OK", plain());
      return new Set([Buffer.from("a"), Buffer.from("b")]);
    };
    expect((await client(served(rows)).get("/")).text()).toBe("ab");
    expect(states()).toEqual(["free"]);
    expect((await client(inTransaction(rows)).get("/")).text()).toBe("ab");
    expect(source.statements).toEqual(["BEGIN", "COMMIT"]);
  });

  it("gives back what a synchronous stream asks for and cannot wait for", async () => {
    const app: App = function* (environ, startResponse) {
      startResponse("200 OK", plain());
      yield Buffer.from("a");
      environ["gateway.connection"]().catch(() => {});
      yield Buffer.from("b");
    };
    expect((await client(served(app)).get("/")).text()).toBe("ab");
    expect((await client(inTransaction(app)).get("/")).text()).toBe("ab");
    await settle();
    expect(source.statements.includes("COMMIT")).toBe(false);
  });

  it("gives it back after an error that says how it is answered, and destroys it after any other", async () => {
    const failing =
      (error: Error): App =>
      async (environ) => {
        await environ["gateway.connection"]();
        throw error;
      };
    expect((await client(served(failing(new HTTPError(404)))).get("/")).status).toBe(404);
    expect(states()).toEqual(["free"]);
    expect((await client(served(failing(new Error("unexpected")))).get("/", { errors: "expected" })).status).toBe(500);
    expect(states()).toEqual(["destroyed"]);
    const midway: App = async function* (environ, startResponse) {
      startResponse("200 OK", plain());
      yield Buffer.from("a");
      await environ["gateway.connection"]();
      throw new Error("midway");
    };
    await expect(client(served(midway)).get("/", { errors: "ignore" })).rejects.toThrow("midway");
    expect(states()).toEqual(["destroyed", "destroyed"]);
  });

  it("lets an error pass at once where no connection was asked for", async () => {
    const app: App = () => {
      throw new HTTPError(418, "short and stout");
    };
    for (const transaction of [false, true]) {
      expect(() => pool(source, { transaction })(app)(buildEnviron(), () => () => {})).toThrow("short and stout");
      expect((await client(served(app, { transaction })).get("/")).status).toBe(418);
    }
  });

  it("gives no connection any more when the response is over", async () => {
    let late: (() => Promise<unknown>) | undefined;
    const app = served((environ, startResponse) => {
      late = environ["gateway.connection"];
      startResponse("204 No Content", []);
      return [];
    });
    await client(app).get("/");
    await expect(late?.()).rejects.toThrow("the response is over");
  });

  it("hands on a late head, write(), 204, 304 and HEAD", async () => {
    const writing: App = async (environ, startResponse) => {
      const connection = await environ["gateway.connection"]();
      await connection.query("INSERT");
      await startResponse("200 OK", plain())(Buffer.from("wri"));
      return [Buffer.from("tten")];
    };
    const empty =
      (status: string): App =>
      async (environ, startResponse) => {
        await (await environ["gateway.connection"]()).query("INSERT");
        startResponse(status, []);
        return [];
      };
    for (const options of [{}, { transaction: true }]) {
      expect((await client(served(writing, options)).get("/")).text()).toBe("written");
      for (const status of ["204 No Content", "304 Not Modified"]) {
        const response = await client(served(empty(status), options)).get("/");
        expect([response.statusLine, response.text()]).toEqual([status, ""]);
      }
      for (const app of [buffered(), streamed(["a", "b"]), writing]) {
        const response = await client(served(app, options)).request("HEAD", "/");
        expect([response.status, response.text()]).toEqual([200, ""]);
      }
    }
    expect(source.statements.filter((statement) => statement === "BEGIN")).toHaveLength(6);
    expect(source.statements.filter((statement) => statement === "COMMIT")).toHaveLength(6);
  });

  it("serves two pools side by side", async () => {
    const second = new FakePool();
    const app = compose(
      pool(source, { transaction: true }),
      pool(second, { key: "my.replica" }),
    )(async (environ, startResponse) => {
      const [one, other] = [await environ["gateway.connection"](), await environ["my.replica"]()];
      startResponse("200 OK", plain());
      return [Buffer.from(String(one === other))];
    });
    expect((await client(app).get("/")).text()).toBe("false");
    expect([source.statements, second.statements, second.out]).toEqual([["BEGIN", "COMMIT"], [], 0]);
  });

  it("forwards the close of the body, and closes before the connection goes back", async () => {
    const order: string[] = [];
    const app: App = async (environ, startResponse) => {
      const connection = await environ["gateway.connection"]();
      startResponse("200 OK", plain());
      return {
        async *[Symbol.asyncIterator]() {
          yield await Promise.resolve(Buffer.from("x"));
        },
        async close() {
          await Promise.resolve();
          order.push(`closed while ${connection.state}`);
        },
      };
    };
    const response = await client(served(app)).open("GET", "/");
    response.abort();
    await response.finished;
    await client(served(app)).get("/");
    expect(order).toEqual(["closed while out", "closed while free"]);
  });

  describe("in a transaction", () => {
    it("commits before the head of a buffered response", async () => {
      const seen: unknown[] = [];
      const watching: Application = (environ, startResponse) =>
        inTransaction(buffered())(environ, (status, headers, excInfo) => {
          seen.push(status, [...source.statements], states());
          return startResponse(status, headers, excInfo);
        });
      expect((await client(watching).get("/")).text()).toBe("done");
      expect(seen).toEqual(["200 OK", ["BEGIN", "INSERT", "COMMIT"], ["free"]]);
    });

    it("commits before the last chunk of a stream, and is one chunk behind", async () => {
      const response = await client(inTransaction(streamed(["a", "b", "c"]))).open("GET", "/");
      const seen: unknown[] = [];
      for await (const chunk of response.body)
        seen.push([Buffer.from(chunk).toString(), source.statements.at(-1), source.statements.length]);
      expect(seen).toEqual([
        // The client asks one chunk ahead.
        ["a", "INSERT", 4],
        ["b", "INSERT", 4],
        ["c", "COMMIT", 5],
      ]);
      await response.finished;
    });

    it("commits before the end of a stream whose last chunk was flushed", async () => {
      const app: App = async function* (environ, startResponse) {
        startResponse("200 OK", plain());
        await (await environ["gateway.connection"]()).query("INSERT");
        yield Buffer.from("a");
        yield new Uint8Array(0);
        await (await environ["gateway.connection"]()).query("UPDATE");
        yield new Uint8Array(0);
      };
      const response = await client(inTransaction(app)).open("GET", "/");
      const seen: unknown[] = [];
      for await (const chunk of response.body) seen.push([Buffer.from(chunk).toString(), source.statements.at(-1)]);
      expect([seen, source.statements]).toEqual([[["a", "INSERT"]], ["BEGIN", "INSERT", "UPDATE", "COMMIT"]]);
      await response.finished;
    });

    it("holds back nothing of a stream that asks for no connection", async () => {
      let go: () => void = () => {};
      const app: App = async function* (_, startResponse) {
        startResponse("200 OK", plain());
        yield Buffer.from("a");
        await new Promise<void>((resolve) => (go = resolve));
        yield Buffer.from("b");
      };
      const response = await client(inTransaction(app)).open("GET", "/");
      const chunks: string[] = [];
      for await (const chunk of response.body) {
        chunks.push(Buffer.from(chunk).toString());
        go();
      }
      expect(chunks).toEqual(["a", "b"]);
    });

    it.each<[string, readonly string[], Partial<PoolOptions<FakeConnection>>?]>([
      ["200 OK", ["BEGIN", "INSERT", "COMMIT"]],
      ["302 Found", ["BEGIN", "INSERT", "COMMIT"]],
      ["404 Not Found", ["BEGIN", "INSERT", "COMMIT"]],
      ["499", ["BEGIN", "INSERT", "COMMIT"]],
      ["500 Internal Server Error", ["BEGIN", "INSERT", "ROLLBACK"]],
      ["503 Service Unavailable", ["BEGIN", "INSERT", "ROLLBACK"]],
      ["404 Not Found", ["BEGIN", "INSERT", "ROLLBACK"], { transaction: { rollsBack: (code) => code >= 400 } }],
      ["500 Internal Server Error", ["BEGIN", "INSERT", "COMMIT"], { transaction: { rollsBack: () => false } }],
    ])("decides by the status %s: %j", async (status, statements, options = { transaction: true }) => {
      const app = served(buffered(status), options);
      expect((await client(app).get("/")).statusLine).toBe(status);
      expect([source.statements, states()]).toEqual([statements, ["free"]]);
    });

    it("rolls back a stream of such a status, at its end", async () => {
      const app: App = async function* (environ, startResponse) {
        startResponse("500 Internal Server Error", plain());
        await (await environ["gateway.connection"]()).query("INSERT");
        yield Buffer.from("sorry");
      };
      expect((await client(inTransaction(app)).get("/")).text()).toBe("sorry");
      expect(source.statements).toEqual(["BEGIN", "INSERT", "ROLLBACK"]);
    });

    it("rolls back what throws, before the head and after it", async () => {
      const before: App = async (environ) => {
        await (await environ["gateway.connection"]()).query("INSERT");
        throw new HTTPError(409, "conflict");
      };
      const after: App = async function* (environ, startResponse) {
        startResponse("200 OK", plain());
        await (await environ["gateway.connection"]()).query("INSERT");
        yield Buffer.from("a");
        yield Buffer.from("b");
        throw new Error("midway");
      };
      expect((await client(inTransaction(before)).get("/")).status).toBe(409);
      await expect(client(inTransaction(after)).get("/", { errors: "ignore" })).rejects.toThrow("midway");
      expect([source.statements, states()]).toEqual([["BEGIN", "INSERT", "ROLLBACK", "BEGIN", "INSERT", "ROLLBACK"], ["free"]]);
    });

    it("answers 500 where the commit fails, and destroys the connection", async () => {
      const app: App = async (environ, startResponse) => {
        const connection = await environ["gateway.connection"]();
        connection.failing = { statement: "COMMIT", error: new Error("serialization failure") };
        startResponse("200 OK", plain());
        return [Buffer.from("done")];
      };
      const response = await client(inTransaction(app)).get("/", { errors: "expected" });
      expect([response.status, response.errors, states()]).toEqual([
        500,
        expect.stringContaining("serialization failure"),
        ["destroyed"],
      ]);
    });

    it("breaks a stream off where the commit fails, its last chunk unsent", async () => {
      const app: App = async function* (environ, startResponse) {
        startResponse("200 OK", plain());
        const connection = await environ["gateway.connection"]();
        connection.failing = { statement: "COMMIT", error: new Error("serialization failure") };
        yield Buffer.from("a");
        yield Buffer.from("b");
      };
      const response = await client(inTransaction(app)).open("GET", "/");
      const chunks: string[] = [];
      await expect(async () => {
        for await (const chunk of response.body) chunks.push(Buffer.from(chunk).toString());
      }).rejects.toThrow("serialization failure");
      await expect(response.finished).rejects.toThrow("serialization failure");
      expect([chunks, states()]).toEqual([["a"], ["destroyed"]]);
    });

    it("takes a ROLLBACK that answers a COMMIT for a failure, as PostgreSQL means it", async () => {
      class Lying extends FakeConnection {
        override async query(statement: string): Promise<{ command: string }> {
          await super.query(statement);
          return { command: statement === "COMMIT" ? "ROLLBACK" : statement };
        }
      }
      const connection = new Lying();
      source.connections.push(connection);
      const response = await client(inTransaction(buffered())).get("/", { errors: "expected" });
      expect([response.status, response.errors, states()]).toEqual([
        500,
        expect.stringContaining("rolled back instead of committing"),
        ["destroyed"],
      ]);
    });

    it("destroys a connection whose rollback or beginning fails", async () => {
      source.connections.push(new FakeConnection());
      const [first] = source.connections;
      if (first !== undefined) first.failing = { statement: "ROLLBACK", error: new Error("lost") };
      const response = await client(inTransaction(buffered("500 Internal Server Error"))).get("/", { errors: "expected" });
      expect([response.status, response.errors, states()]).toEqual([500, expect.stringContaining("lost"), ["destroyed"]]);
      const second = new FakeConnection();
      second.failing = { statement: "BEGIN", error: new Error("no begin") };
      source.connections.push(second);
      const failed = await client(inTransaction(buffered())).get("/", { errors: "expected" });
      expect([failed.status, failed.errors, states()]).toEqual([
        500,
        expect.stringContaining("no begin"),
        ["destroyed", "destroyed"],
      ]);
    });

    it("begins as it is told to", async () => {
      await client(served(buffered(), { transaction: { isolation: "serializable" } })).get("/");
      const note =
        (text: string) =>
        (connection: FakeConnection): Promise<unknown> =>
          connection.query(text);
      await client(served(buffered(), { transaction: { begin: note("x"), commit: note("y"), rollback: note("z") } })).get("/");
      await client(served(buffered("500"), { transaction: { begin: note("x"), commit: note("y"), rollback: note("z") } })).get("/");
      expect(source.statements).toEqual([
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "INSERT",
        "COMMIT",
        "x",
        "INSERT",
        "y",
        "x",
        "INSERT",
        "z",
      ]);
    });

    it("commits nothing for a client that left before, at whatever point", async () => {
      let go: () => void = () => {};
      const gate = (): Promise<void> => new Promise((resolve) => (go = resolve));
      const slow: App = async (environ, startResponse) => {
        const connection = await environ["gateway.connection"]();
        await connection.query("INSERT");
        await gate();
        startResponse("200 OK", plain());
        return [Buffer.from("done")];
      };
      const leaving = new AbortController();
      const request = client(inTransaction(slow)).get("/", { signal: leaving.signal });
      await settle();
      leaving.abort(new ExchangeAborted("CLIENT_GONE"));
      await settle();
      go();
      await expect(request).rejects.toThrow("broken off");
      await settle();
      expect([source.statements, states()]).toEqual([["BEGIN", "INSERT", "ROLLBACK"], ["free"]]);

      const stream = await client(inTransaction(streamed(["a", "b", "c"]))).open("GET", "/");
      for await (const chunk of stream.body) if (chunk.length > 0) break;
      stream.abort();
      await stream.finished;
      expect(source.statements.filter((statement) => statement === "COMMIT")).toEqual([]);
      expect(source.statements.at(-1)).toBe("ROLLBACK");
    });

    it("commits for a server that only asks to hurry", async () => {
      let go: () => void = () => {};
      const app: App = async function* (environ, startResponse) {
        startResponse("200 OK", plain());
        await (await environ["gateway.connection"]()).query("INSERT");
        yield Buffer.from("a");
        yield Buffer.from("b");
        await new Promise<void>((resolve) => (go = resolve));
      };
      const response = await client(inTransaction(app)).open("GET", "/");
      response.cancel();
      const chunks: string[] = [];
      for await (const chunk of response.body) {
        chunks.push(Buffer.from(chunk).toString());
        await settle();
        go();
      }
      expect([chunks, source.statements.at(-1)]).toEqual([["a", "b"], "COMMIT"]);
      await response.finished;
    });

    it("answers 500 where the time limit of the server was over before the commit", async () => {
      let go: () => void = () => {};
      const app: App = async (environ, startResponse) => {
        await (await environ["gateway.connection"]()).query("INSERT");
        environ["gateway.exchange"].signal.addEventListener("abort", () => go());
        await new Promise<void>((resolve) => (go = resolve));
        startResponse("200 OK", plain());
        return [Buffer.from("done")];
      };
      const signal = AbortSignal.abort(new ExchangeAborted("TIME_LIMIT"));
      const limited: Application = (environ, startResponse) => {
        const controller = new AbortController();
        environ["gateway.exchange"] = { signal: controller.signal, onEnd: () => {}, earlyHints: () => {} };
        setImmediate(() => controller.abort(signal.reason));
        return inTransaction(app)(environ, startResponse);
      };
      const response = await client(limited).get("/", { errors: "expected" });
      expect([response.status, source.statements]).toEqual([500, ["BEGIN", "INSERT", "ROLLBACK"]]);
    });
  });

  describe("waiting", () => {
    it("answers 503 with Retry-After when the time is over, and gives back what comes late", async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      source = new FakePool(1);
      const held = await source.acquire();
      const layer = pool(source, { acquireMilliseconds: 200, retryAfterSeconds: 7 });
      const request = client(validator(layer(validator(buffered() as Application) as App))).get("/");
      await settle();
      expect(poolState(layer)).toEqual({ held: 0, waiting: 1 });
      vi.advanceTimersByTime(200);
      const response = await request;
      expect([response.status, response.headers.get("retry-after"), response.text()]).toEqual([
        503,
        "7",
        "No connection to the database was free in time.\n",
      ]);
      expect(poolState(layer).waiting).toBe(0);
      source.release(held);
      await settle();
      expect(states()).toEqual(["free"]);
    });

    it("ends when the client leaves", async () => {
      source = new FakePool(1);
      const held = await source.acquire();
      const leaving = new AbortController();
      let outcome: unknown;
      const app = served(async (environ) => {
        outcome = await environ["gateway.connection"]().catch((error: unknown) => error);
        throw outcome;
      });
      const request = client(app).get("/", { signal: leaving.signal });
      await settle();
      const reason = new ExchangeAborted("CLIENT_GONE");
      leaving.abort(reason);
      await expect(request).rejects.toThrow("broken off");
      expect(outcome).toBeInstanceOf(Error);
      source.release(held);
      await settle();
    });

    it("lets the application try again after a failure", async () => {
      let failures = 1;
      const flaky = {
        acquire: () => (failures-- > 0 ? Promise.reject(new Error("no route")) : source.acquire()),
        release: (connection: FakeConnection) => source.release(connection),
        destroy: (connection: FakeConnection) => source.destroy(connection),
      };
      const app: App = async (environ, startResponse) => {
        const first = await environ["gateway.connection"]().then(
          () => "",
          (error: unknown) => String(error),
        );
        await environ["gateway.connection"]();
        startResponse("200 OK", plain());
        return [Buffer.from(first)];
      };
      expect((await client(validator(pool(flaky)(app))).get("/")).text()).toBe("Error: no route");
    });

    it("treats a pool that throws as one that rejects", async () => {
      const broken = {
        acquire: (): Promise<FakeConnection> => {
          throw new Error("thrown");
        },
        release: () => {},
        destroy: () => {},
      };
      const response = await client(pool(broken)(buffered())).get("/", { errors: "expected" });
      expect([response.status, response.errors]).toEqual([500, expect.stringContaining("thrown")]);
    });

    it("destroys the connection under code that goes on too long after its client has left", async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      let go: () => void = () => {};
      // In a transaction one chunk is held back.
      const app = (chunks: string): App =>
        async function* (environ, startResponse) {
          startResponse("200 OK", plain());
          await environ["gateway.connection"]();
          for (const chunk of chunks) yield Buffer.from(chunk);
          await new Promise<void>((resolve) => (go = resolve));
        };
      for (const transaction of [false, true]) {
        const response = await client(served(app(transaction ? "ab" : "a"), { transaction, graceMilliseconds: 300 })).open(
          "GET",
          "/",
        );
        for await (const chunk of response.body) if (chunk.length > 0) break;
        await settle();
        response.abort();
        await settle();
        expect(states().at(-1)).toBe("out");
        vi.advanceTimersByTime(300);
        expect((await response.finished).outcome).toBe("gone");
        expect(states().at(-1)).toBe("destroyed");
        go();
        await settle();
      }
    });

    it("drains: gives none any more, and resolves when all are back", async () => {
      let go: () => void = () => {};
      const layer = pool(source);
      const app: App = async (environ, startResponse) => {
        await environ["gateway.connection"]();
        await new Promise<void>((resolve) => (go = resolve));
        startResponse("200 OK", plain());
        return [];
      };
      const http = client(layer(app));
      const running = http.get("/");
      await settle();
      const drained: string[] = [];
      const all = [drain(layer).then(() => drained.push("one")), drain(layer).then(() => drained.push("two"))];
      expect((await http.get("/")).status).toBe(503);
      expect([drained, poolState(layer).held]).toEqual([[], 1]);
      go();
      expect((await running).status).toBe(200);
      await Promise.all(all);
      expect([drained, poolState(layer).held]).toEqual([["one", "two"], 0]);
      await drain(layer);
    });

    it("waits while draining for a connection that nobody wants any more", async () => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      source = new FakePool(1);
      const held = await source.acquire();
      const layer = pool(source, { acquireMilliseconds: 1 });
      const request = client(layer(buffered())).get("/");
      await settle();
      vi.advanceTimersByTime(1);
      expect((await request).status).toBe(503);
      let isDrained = false;
      const drained = drain(layer).then(() => (isDrained = true));
      await settle();
      expect(isDrained).toBe(false);
      source.release(held);
      await drained;
    });
  });

  it("destroys a connection that failed while nobody asked it anything", async () => {
    class Emitting extends EventEmitter {
      async query(): Promise<void> {}
    }
    const destroyed: unknown[] = [];
    const connection = new Emitting();
    const emitting = {
      acquire: () => Promise.resolve(connection),
      release: () => void destroyed.push("released"),
      destroy: () => void destroyed.push("destroyed"),
    };
    const app: Application<Environ & PoolEnviron<Emitting>> = async (environ, startResponse) => {
      (await environ["gateway.connection"]()).emit("error", new Error("terminated by the administrator"));
      startResponse("200 OK", plain());
      return [];
    };
    expect((await client(pool(emitting)(app)).get("/")).status).toBe(200);
    expect([destroyed, connection.listenerCount("error")]).toEqual([["destroyed"], 0]);
  });

  it("reports what giving back throws, and goes on", async () => {
    const bad = { acquire: () => source.acquire(), release: () => Promise.reject(new Error("no way back")), destroy: () => {} };
    const layer = pool(bad);
    const response = await client(layer(buffered())).get("/", { errors: "ignore" });
    await settle();
    expect([response.status, poolState(layer).held]).toEqual([200, 0]);
    for (const connection of source.connections) source.release(connection);
  });

  it.each<[message: string, wrap: () => unknown]>([
    ["no pool, which is an object", () => pool(null as never)],
    ["no pool of pg", () => pool({} as never)],
    ["give its promise()", () => pool({ getConnection: () => {}, promise: () => {} } as never)],
    ["give destroy", () => pool({ acquire: () => {}, release: () => {}, numPendingAcquires: () => 0 } as never)],
    ["not made by pool()", () => drain(compose())],
    ["not made by pool()", () => poolState(compose(pool(source)))],
    ["a dot in it", () => pool(source, { key: "connection" })],
    ["destroy is a function", () => pool(source, { destroy: 1 as never })],
    ["transaction is true, false", () => pool(source, { transaction: "yes" as never })],
    ["isolation is one of", () => pool(source, { transaction: { isolation: "chaos" as never } })],
    ["transaction.commit is a function", () => pool(source, { transaction: { commit: 1 as never } })],
    ["sets the isolation itself", () => pool(source, { transaction: { isolation: "serializable", begin: () => {} } })],
  ])("checks while wrapping: %s", (message, wrap) => {
    expect(wrap).toThrow(TypeError);
    expect(wrap).toThrow(message);
  });

  it("checks times while wrapping", () => {
    for (const options of [
      { acquireMilliseconds: 0 },
      { acquireMilliseconds: NaN },
      { acquireMilliseconds: 2 ** 31 },
      { graceMilliseconds: Infinity },
      { retryAfterSeconds: -1 },
      { retryAfterSeconds: 1.5 },
    ]) {
      expect(() => pool(source, options)).toThrow(/^pool: \w+ is a /);
    }
    expect(() => pool(source, { acquireMilliseconds: Infinity })).not.toThrow();
  });
});
