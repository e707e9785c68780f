import { ExchangeAborted, HTTPError, type Application } from "@gateway/core";
import { client } from "@gateway/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PoolOptions } from "./index.ts";
import { around, assertAllBack, buffered, plain, settle, streamed, type App } from "./test-around.ts";
import { FakeConnection, FakePool } from "./test-pool.ts";

let source: FakePool;
const { served, inTransaction, states } = around(() => source);

beforeEach(() => {
  source = new FakePool();
});

afterEach(() => {
  assertAllBack(source);
});

describe("pool in a transaction", () => {
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

  it("closes the body and gives the connection back where rollsBack throws", async () => {
    const close = vi.fn<() => void>();
    const rollsBack = (): boolean => {
      throw new Error("no verdict");
    };
    const app: App = async (environ, startResponse) => {
      await (await environ["gateway.connection"]()).query("INSERT");
      startResponse("200 OK", plain());
      return Object.assign([Buffer.from("done")], { close });
    };
    const response = await client(served(app, { transaction: { rollsBack } })).get("/", { errors: "expected" });
    expect([response.status, response.errors]).toEqual([500, expect.stringContaining("no verdict")]);
    expect(close).toHaveBeenCalledTimes(1);
    expect([source.statements, states()]).toEqual([["BEGIN", "INSERT", "ROLLBACK"], ["free"]]);
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
