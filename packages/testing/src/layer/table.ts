import assert from "node:assert/strict";
import { HTTPError, type Application, type HeaderList } from "@gateway/core";
import { ResponseAborted } from "../response.ts";
import type { WrappedClient } from "./run-layer-cases.ts";

/** One way in which an application may answer, and what must come through a layer. */
export interface LayerCase {
  readonly name: string;
  /** Rejects when something else comes through. */
  run(wrapped: WrappedClient): Promise<void>;
}

const type = (): HeaderList => [["Content-Type", "text/plain"]];

/** A case in which the whole text must arrive with a 200. */
function text(name: string, app: Application, expected: string): LayerCase {
  return {
    name,
    async run({ client, method, target }) {
      const response = await client(app).request(method, target);
      assert.deepEqual([response.status, response.text()], [200, expected]);
    },
  };
}

function bare(status: string): LayerCase {
  const app: Application = (_environ, startResponse) => {
    startResponse(status, []);
    return [];
  };
  return {
    name: status,
    async run({ client, method, target }) {
      const response = await client(app).request(method, target);
      assert.deepEqual([response.status, response.bytes.length], [Number(status.slice(0, 3)), 0]);
    },
  };
}

/** An `HTTPError` before the head: the answer it asks for. */
function refused(name: string, app: Application): LayerCase {
  return {
    name,
    async run({ client, method, target }) {
      const response = await client(app).request(method, target);
      assert.deepEqual([response.status, response.text(), response.headers.getAll("X-Own")], [409, "conflict\n", ["1"]]);
    },
  };
}

const conflict = (): HTTPError => new HTTPError(409, "conflict", { headers: [["X-Own", "1"]] });

/** The table that {@link layerConformance} runs. */
export const layerCases: readonly LayerCase[] = [
  text(
    "an array",
    (_environ, startResponse) => {
      startResponse("200 OK", [...type(), ["Content-Length", "5"]]);
      return [Buffer.from("one, "), Buffer.alloc(0)];
    },
    "one, ",
  ),
  text(
    "an array that is promised",
    async (_environ, startResponse) => {
      startResponse("200 OK", type());
      return [Buffer.from("promised")];
    },
    "promised",
  ),
  text(
    "a generator that is late with startResponse",
    function* (_environ, startResponse) {
      yield Buffer.alloc(0);
      startResponse("200 OK", type());
      yield Buffer.from("late ");
      yield Buffer.from("head");
    },
    "late head",
  ),
  text(
    "an asynchronous generator",
    async function* (_environ, startResponse) {
      await Promise.resolve();
      startResponse("200 OK", type());
      yield Buffer.from("streamed ");
      yield Buffer.alloc(0);
      await Promise.resolve();
      yield Buffer.from("body");
    },
    "streamed body",
  ),
  text(
    "write() and an array",
    (_environ, startResponse) => {
      const write = startResponse("200 OK", type());
      void write(Buffer.from("written "));
      return [Buffer.from("returned")];
    },
    "written returned",
  ),
  text(
    "write() and a promise",
    async (_environ, startResponse) => {
      const write = startResponse("200 OK", type());
      await write(Buffer.from("written "));
      return [Buffer.from("returned")];
    },
    "written returned",
  ),
  text(
    "a head that is replaced",
    (_environ, startResponse) => {
      startResponse("500 Internal Server Error", []);
      startResponse("200 OK", type(), new Error("replaced"));
      return [Buffer.from("second head")];
    },
    "second head",
  ),
  bare("204 No Content"),
  bare("304 Not Modified"),
  {
    name: "the head of a HEAD",
    async run({ client, target }) {
      const sized: Application = (_environ, startResponse) => {
        startResponse("200 OK", [...type(), ["Content-Length", "1000"]]);
        return [];
      };
      const head = await client(sized).request("HEAD", target);
      assert.deepEqual([head.status, head.headers.get("Content-Length"), head.bytes.length], [200, "1000", 0]);
    },
  },
  refused("an error before the head", () => {
    throw conflict();
  }),
  refused("an error before the head, promised", async () => {
    throw conflict();
  }),
  refused("an error before the head, from the body", async function* () {
    yield Buffer.alloc(0);
    throw conflict();
  }),
  {
    name: "an error that nobody expects",
    async run({ client, method, target }) {
      const app: Application = () => {
        throw new TypeError("unexpected");
      };
      const response = await client(app, "expected").request(method, target);
      assert.equal(response.status, 500);
      assert.match(response.errors, /unexpected/);
    },
  },
  {
    name: "an error after the head",
    async run({ client, method, target }) {
      const breaking: Application = async function* (_environ, startResponse) {
        startResponse("200 OK", type());
        yield Buffer.from("x");
        throw new Error("broken");
      };
      await assert.rejects(client(breaking, "expected").request(method, target), (error) => {
        assert.ok(error instanceof ResponseAborted);
        assert.equal(error.response.status, 200);
        assert.match(error.response.errors, /broken/);
        return true;
      });
    },
  },
  {
    name: "that the client leaves, once",
    async run({ client, method, target }) {
      const log: string[] = [];
      const response = await client(endless(log)).open(method, target);
      response.abort();
      assert.equal((await response.finished).outcome, "gone");
      assert.deepEqual(log.toSorted(), ["closed", "returned"]);
    },
  },
  {
    name: "a stream no faster than the client reads it",
    async run({ client, method, target }) {
      let pulled = 0;
      const counted: Application = (_environ, startResponse) => {
        startResponse("200 OK", type());
        return (async function* () {
          for (;;) yield Buffer.from(String(pulled++ % 10));
        })();
      };
      const response = await client(counted).open(method, target);
      // Awaited at the end, unless something else is wrong before.
      response.finished.catch(() => {});
      for await (const chunk of response.body) if (Buffer.from(chunk).includes("4")) break;
      assert.ok(pulled <= 7, `${pulled} chunks were pulled where 5 were read`);
      response.abort();
      await response.finished;
    },
  },
];

function endless(log: string[]): Application {
  return (_environ, startResponse) => {
    startResponse("200 OK", type());
    const body = (async function* () {
      try {
        for (;;) yield Buffer.from("x");
      } finally {
        log.push("returned");
      }
    })();
    return Object.assign(body, { close: () => void log.push("closed") });
  };
}
