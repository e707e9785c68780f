import { compose, FileWrapper, layer, type Application, type Environ, type HeaderList, type Middleware } from "@gateway/core";
import { capture, onClose, send, transformBody } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { good } from "../test/good-applications.ts";
import { emptyBody, FakeExchange, inputOf, makeEnviron, open, serve } from "../test/harness.ts";
import { validator } from "./index.ts";

const bytes = Buffer.from("hello");
const type = (): HeaderList => [["Content-Type", "text/plain"]];
const quiet = () => () => {};

const buffered: Application = (_, startResponse) => {
  startResponse("200 OK", type());
  return [bytes];
};

/** Layers as core helps to write them, with a validator on both sides. */
const push: Middleware = layer(
  (app) => (environ, startResponse) =>
    app(environ, (status, headers, excInfo) => {
      headers.push(["X-Layer", "1"]);
      return startResponse(status, headers, excInfo);
    }),
);
const whole: Middleware = layer((app) => (environ, startResponse) => {
  const response = capture(app, environ);
  return response instanceof Promise ? response.then((response) => send(response, startResponse)) : send(response, startResponse);
});
const closing: Middleware = layer((app) => (environ, startResponse) => {
  const body = app(environ, startResponse);
  return body instanceof Promise ? body.then((body) => onClose(body, () => {})) : onClose(body, () => {});
});
const transforming: Middleware = layer((app) => async (environ, startResponse) => {
  const body = await app(environ, startResponse);
  return transformBody(body, { chunk: (chunk) => [chunk] });
});
const layers = { "no layer": compose(), push, whole, closing, transforming };

const environ = { "wsgi.file_wrapper": (file: { read(size: number): Uint8Array }) => new FileWrapper(file) };

for (const [layerName, middle] of Object.entries(layers)) {
  describe(`validator on both sides of ${layerName}`, () => {
    it.each(Object.entries(good))("lets pass %s", async (_, [app, text, status = "200 OK"]) => {
      const onion = validator(middle(validator(app)));
      for (const isSlow of [false, true]) {
        const served = await serve(onion, { environ, isSlow });
        const { log, aborted, ending } = served;
        expect({ log, aborted, text: served.text, status: served.status, outcome: ending.outcome }).toEqual({
          log: "",
          aborted: false,
          text,
          status,
          outcome: "finished",
        });
      }
    });

    it.each(Object.entries(good))("lets pass %s, answering HEAD", async (_, [app, , status = "200 OK"]) => {
      const served = await serve(validator(middle(validator(app))), { environ: { ...environ, REQUEST_METHOD: "HEAD" } });
      expect([served.log, served.status, served.text]).toEqual(["", status, ""]);
    });

    it.each(Object.entries(good))("lets pass %s, the client gone", async (_, [app]) => {
      const served = await serve(validator(middle(validator(app))), { environ, isSlow: true, leaves: true });
      expect(served.log).toBe("");
    });
  });
}

describe("validator", () => {
  it("lets an empty array answer HEAD with a Content-Length", async () => {
    const app = validator((_, startResponse) => {
      startResponse("200 OK", [...type(), ["Content-Length", "1000"]]);
      return [];
    });
    const served = await serve(app, { environ: { REQUEST_METHOD: "HEAD" } });
    expect([served.log, [...served.headers]]).toEqual(["", [...type(), ["Content-Length", "1000"]]]);
  });

  it("lets a head be replaced until the first chunk that is not empty", async () => {
    const app = validator(function* (_, startResponse) {
      startResponse("200 OK", type());
      yield new Uint8Array(0);
      startResponse("503 Busy", type(), new Error("busy"));
      yield bytes;
    });
    const served = await serve(app);
    expect([served.log, served.status, served.text]).toEqual(["", "503 Busy", "hello"]);
  });

  it("lets a buffer be used again when write has resolved", async () => {
    const app = validator(async (_, startResponse) => {
      const write = startResponse("200 OK", type());
      const buffer = Buffer.from("hello");
      await write(buffer);
      buffer.write("again");
      await write(buffer);
      return [];
    });
    const served = await serve(app, { isSlow: true });
    expect([served.log, served.text]).toEqual(["", "helloagain"]);
  });

  it("throws a breach into the application, which may answer it", () => {
    let caught: unknown;
    const app = validator((_, startResponse) => {
      try {
        startResponse("OK", type());
      } catch (error) {
        caught = error;
        startResponse("500 Oops", type(), error);
      }
      return [];
    });
    void app(makeEnviron(), quiet);
    expect(caught).toMatchObject({ name: "ValidationError", rule: "A7", side: "application" });
  });

  it("is answered with a 500 by a gateway, and reported", async () => {
    const served = await serve(validator(() => ["hello"] as never));
    expect([served.status, served.log.includes("ValidationError: A4: ")]).toEqual(["500 Internal Server Error", true]);
  });

  it("rethrows what the server throws once the head has gone, and that aborts", async () => {
    const app = validator(function* (_, startResponse) {
      startResponse("200 OK", type());
      yield bytes;
      startResponse("500 Oops", type(), new Error("oops"));
    });
    const served = await serve(app);
    expect([served.aborted, served.text, served.log.includes("ValidationError")]).toEqual([true, "hello", false]);
    expect(served.log).toContain("oops");
  });

  it("reports through wsgi.errors that a layer did not close a body", async () => {
    const forgets: Middleware = layer((app) => (environ, startResponse) => {
      void app(environ, startResponse);
      return [bytes];
    });
    const served = await serve(forgets(validator(emptyBody)));
    expect(served.log).toContain("ValidationError: G55: ");
  });

  it("closes the body of an application whose array it refuses", () => {
    let closed = 0;
    const app = validator((_, startResponse) => {
      startResponse("200 OK", type());
      return Object.assign(["hello" as never], { close: () => void closed++ });
    });
    expect(() => app(makeEnviron(), quiet)).toThrow("A25");
    expect(closed).toBe(1);
  });

  it("returns the iterator that it broke off itself, so that it can let go", () => {
    let released = 0;
    const app = validator(function* (_, startResponse) {
      try {
        startResponse("200 OK", type());
        yield "hello" as never;
      } finally {
        released++;
      }
    });
    const body = app(makeEnviron(), quiet) as Iterable<Uint8Array> & { close(): void };
    const iterator = body[Symbol.iterator]();
    expect(() => iterator.next()).toThrow("A25");
    expect(released).toBe(0);
    body.close();
    expect(released).toBe(1);
  });

  it("lets code that was running when close() was called come to its end", async () => {
    let resume = (): void => {};
    let done = false;
    const app = validator(async function* (environ, startResponse) {
      await new Promise<void>((resolve) => (resume = resolve));
      startResponse("200 OK", type());
      await environ["wsgi.input"].read();
      done = true;
      yield bytes;
    });
    const served = serve(app, { leaves: true });
    await Promise.resolve();
    resume();
    expect((await served).log).toBe("");
    await new Promise(setImmediate);
    expect(done).toBe(true);
  });

  it("refuses what is no application, while wrapping", () => {
    expect(() => validator(42 as never)).toThrow(TypeError);
  });

  it("types the environ of the application it wraps", () => {
    const middleware: Middleware = validator;
    const app: Application<Environ & { "x.session": string }> = (environ, startResponse) => {
      startResponse("200 OK", type());
      return [Buffer.from(environ["x.session"])];
    };
    const session = layer<{ "x.session": string }>((app) => (environ, startResponse) => {
      environ["x.session"] = "s";
      return app(environ, startResponse);
    });
    const onion: Application = compose(validator, session, validator)(app);
    expect([typeof middleware, typeof onion]).toEqual(["function", "function"]);
  });
});

describe("validator, what it leaves as it is", () => {
  it("a synchronous application and its array, whose chunks are the same and which is not changed", () => {
    const constant = Object.freeze([bytes, bytes]);
    const body = validator((_, startResponse) => {
      startResponse("200 OK", type());
      return constant;
    })(makeEnviron(), quiet);
    expect(Array.isArray(body)).toBe(true);
    expect((body as Uint8Array[]).every((chunk) => chunk === bytes)).toBe(true);
    expect("close" in constant).toBe(false);
  });

  it("a synchronous stream, its steps and its late startResponse", () => {
    let started = 0;
    const step = { done: false, value: bytes };
    const body = validator((_, startResponse) => ({
      [Symbol.iterator]: () => ({
        next() {
          startResponse("200 OK", type());
          return step;
        },
      }),
    }))(makeEnviron(), () => {
      started++;
      return () => {};
    });
    expect(started).toBe(0);
    expect(Symbol.asyncIterator in body).toBe(false);
    const iterator = open(body as never);
    expect("return" in iterator).toBe(false);
    expect(iterator.next()).toBe(step);
    expect(started).toBe(1);
  });

  it("an asynchronous application and an asynchronous stream", async () => {
    const answer = validator(async (environ, startResponse) => buffered(environ, startResponse))(makeEnviron(), quiet);
    expect(answer).toBeInstanceOf(Promise);
    expect(Array.isArray(await answer)).toBe(true);
    const body = validator(async function* (_, startResponse) {
      startResponse("200 OK", type());
      yield bytes;
    })(makeEnviron(), quiet);
    expect([Symbol.asyncIterator in body, Symbol.iterator in body]).toEqual([true, false]);
  });

  it("the promise of close, and none where there is none", async () => {
    const closes = (close: () => void | Promise<void>): unknown => {
      const body = validator((_, startResponse) => {
        startResponse("200 OK", type());
        return Object.assign([bytes], { close });
      })(makeEnviron(), quiet);
      return "close" in body ? body.close?.() : "none";
    };
    expect(closes(() => {})).toBe(undefined);
    await expect(closes(async () => {})).resolves.toBe(undefined);
    expect(() => closes(() => expect.fail("mine"))).toThrow("mine");
  });

  it("a signal that nobody read", () => {
    let made = 0;
    const exchange = new FakeExchange();
    Object.defineProperty(exchange, "signal", { get: () => void made++ });
    void validator(emptyBody)(makeEnviron({ "gateway.exchange": exchange }), quiet);
    expect(made).toBe(0);
  });

  it("the streams of the environ and the hints of the exchange", async () => {
    const lines: string[] = [];
    const exchange = new FakeExchange();
    const environ = makeEnviron({
      "wsgi.input": inputOf(Buffer.from("a\nb"), Buffer.from("c\nd\n")),
      "gateway.exchange": exchange,
    });
    const { "wsgi.errors": log } = environ;
    const app: Application = async (environ, startResponse) => {
      const { "wsgi.input": input, "wsgi.errors": errors, "gateway.exchange": exchange } = environ;
      for (const line of [await input.readline(), ...(await input.readlines(1)), await input.read(1)])
        lines.push(String(Buffer.from(line)));
      for await (const chunk of input) lines.push(String(Buffer.from(chunk)));
      lines.push(String((await input.read()).byteLength));
      errors.write("one ");
      errors.writelines(new Set(["two ", "three"]));
      errors.flush();
      exchange.earlyHints([["Link", "</a.css>"]]);
      return emptyBody(environ, startResponse);
    };
    await validator(app)(environ, quiet);
    expect(lines).toEqual(["a\n", "bc\n", "d", "\n", "0"]);
    expect(log).toMatchObject({ text: "one two three" });
    expect(exchange.hints).toEqual([[["Link", "</a.css>"]]]);
  });
});
