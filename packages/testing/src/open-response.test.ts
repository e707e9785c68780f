import { ExchangeAborted, type Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { client, ResponseAborted, UnexpectedErrors } from "./index.ts";
import { bytes, plain, textOf } from "./conformance/apps.ts";

const failing: Application = () => {
  throw new Error("a bug");
};

const broken: Application = function* broken(_environ, startResponse) {
  startResponse("200 OK", plain());
  yield bytes("begun");
  throw new Error("a bug");
};

describe("open", () => {
  /** Notes how far it has been pulled. */
  const counting =
    (pulled: number[], closed: string[]): Application =>
    (_environ, startResponse) => {
      startResponse("200 OK", plain());
      const chunks = (function* body() {
        for (let i = 0; i < 5; i++) {
          pulled.push(i);
          yield bytes(`${i}`);
        }
      })();
      return { [Symbol.iterator]: () => chunks, close: () => void closed.push("closed") };
    };

  it("gives chunk by chunk, and pulls no further than is read", async () => {
    const pulled: number[] = [];
    const closed: string[] = [];
    const response = await client(counting(pulled, closed)).open("GET", "/");
    expect(response).toMatchObject({ status: 200, statusLine: "200 OK" });
    expect(response.headers.has("content-type")).toBe(true);
    const got: string[] = [];
    for await (const chunk of response.body) {
      got.push(textOf(chunk));
      expect(pulled.length).toBeLessThanOrEqual(got.length + 1);
      if (got.length === 2) break;
    }
    expect(pulled).toEqual([0, 1, 2]);
    for await (const chunk of response.body) got.push(textOf(chunk));
    expect(got).toEqual(["0", "1", "2", "3", "4"]);
    expect(await response.finished).toMatchObject({ outcome: "finished", bodyBytes: 5 });
    expect(closed).toEqual(["closed"]);
  });

  it("can leave in the middle", async () => {
    const pulled: number[] = [];
    const closed: string[] = [];
    const response = await client(counting(pulled, closed)).open("GET", "/");
    const body = response.body[Symbol.asyncIterator]();
    await body.next();
    response.abort();
    response.abort();
    expect(closed).toEqual(["closed"]);
    expect(await response.finished).toMatchObject({ outcome: "gone", bodyBytes: 1, reason: { code: "CLIENT_GONE" } });
    await expect(body.next()).rejects.toMatchObject({ code: "CLIENT_GONE" });
    expect(pulled.length).toBeLessThan(5);
  });

  it("leaves who waits for write() waiting no longer", async () => {
    const notes: string[] = [];
    const response = await client(async (_environ, startResponse) => {
      const write = startResponse("200 OK", plain());
      await write(bytes("a"));
      notes.push("taken");
      try {
        await write(bytes("b"));
      } catch (error) {
        notes.push(error instanceof ExchangeAborted ? error.code : "another error");
      }
      return [];
    }).open("GET", "/");
    expect(notes).toEqual([]);
    response.abort();
    await response.finished;
    expect(notes).toEqual(["taken", "CLIENT_GONE"]);
  });

  it("can ask the application to hurry, which may still finish", async () => {
    const response = await client(async function* patient(environ, startResponse) {
      startResponse("200 OK", plain());
      yield bytes("one");
      // It runs one chunk ahead of who reads.
      yield bytes("two");
      const { signal } = environ["gateway.exchange"];
      yield bytes(signal.aborted ? (signal.reason as ExchangeAborted).code : "not aborted");
    }).open("GET", "/");
    const body = response.body[Symbol.asyncIterator]();
    await body.next();
    response.cancel();
    await body.next();
    expect(textOf((await body.next()).value ?? bytes("nothing"))).toBe("SERVER_STOPPING");
    expect(await body.next()).toMatchObject({ done: true });
    expect(await response.finished).toMatchObject({ outcome: "finished" });
  });

  it("throws from the body when the application breaks off", async () => {
    const response = await client(broken, { errors: "expected" }).open("GET", "/");
    const read = async (): Promise<void> => {
      for await (const chunk of response.body) expect(textOf(chunk)).toBe("begun");
    };
    const error = await read().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ResponseAborted);
    expect((error as ResponseAborted).response.text()).toBe("begun");
    expect(await response.finished).toMatchObject({ outcome: "failed" });
  });

  it("rejects `finished` for what nobody expected in wsgi.errors", async () => {
    const response = await client(failing).open("GET", "/");
    expect(response.status).toBe(500);
    const finished = response.finished.catch((thrown: unknown) => thrown);
    for await (const chunk of response.body) expect(textOf(chunk)).toContain("500");
    expect(await finished).toBeInstanceOf(UnexpectedErrors);
  });

  it("sends a body while it reads the response", async () => {
    const shouting: Application = async function* shouting(environ, startResponse) {
      startResponse("200 OK", plain());
      for await (const chunk of environ["wsgi.input"]) yield bytes(textOf(chunk).toUpperCase());
    };
    const sent: string[] = [];
    async function* talk(): AsyncGenerator<string> {
      for (const word of ["one", "two"]) {
        sent.push(word);
        yield word;
      }
    }
    const response = await client(shouting).open("POST", "/", { body: talk() });
    const body = response.body[Symbol.asyncIterator]();
    expect(textOf((await body.next()).value ?? bytes(""))).toBe("ONE");
    expect(textOf((await body.next()).value ?? bytes(""))).toBe("TWO");
    expect(sent).toEqual(["one", "two"]);
    expect((await body.next()).done).toBe(true);
    await response.finished;
  });
});
