import { EventEmitter } from "node:events";
import { compose, HTTPError, type Application, type Environ } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { drain, pool, poolState, type PoolEnviron, type PoolOptions } from "./index.ts";
import { around, assertAllBack, buffered, plain, settle, streamed, type App } from "./test-around.ts";
import { FakePool, type FakeConnection } from "./test-pool.ts";

let source: FakePool;
const { served, inTransaction, states } = around(() => source);

beforeEach(() => {
  source = new FakePool();
});

afterEach(() => {
  assertAllBack(source);
});

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

  it("takes an option that is undefined for one that is not given", async () => {
    const options: PoolOptions<FakeConnection> = {
      key: undefined,
      transaction: undefined,
      acquireMilliseconds: undefined,
      retryAfterSeconds: undefined,
      graceMilliseconds: undefined,
      destroy: undefined,
    };
    expect((await client(served(buffered(), options)).get("/")).text()).toBe("done");
    const transaction = { isolation: undefined, rollsBack: undefined, begin: undefined, commit: undefined, rollback: undefined };
    expect((await client(served(buffered(), { transaction })).get("/")).text()).toBe("done");
    expect(source.statements).toEqual(["INSERT", "BEGIN", "INSERT", "COMMIT"]);
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
