import { describe, expect, it, vi } from "vitest";
import { type ApplicationClass, type ApplicationObject, describe as nameOf, toApplication } from "./application.ts";
import type { Application, Environ, ResponseBody, StartResponse } from "./contract.ts";
import { setupTestingDefaults } from "./testing-defaults.ts";

const environ = setupTestingDefaults({ PATH_INFO: "/x" });
const startResponse: StartResponse = () => () => {};

async function text(body: ResponseBody | Promise<ResponseBody>): Promise<string> {
  let all = "";
  for await (const chunk of await body) all += Buffer.from(chunk).toString();
  return all;
}

const hello = (environ: Environ): Uint8Array => Buffer.from(`hello ${environ.PATH_INFO}`);

function declared(environ: Environ, startResponse: StartResponse): ResponseBody {
  startResponse("200 OK", []);
  return [hello(environ)];
}

function* generated(environ: Environ, startResponse: StartResponse): Generator<Uint8Array> {
  startResponse("200 OK", []);
  yield hello(environ);
}

class Responder {
  greeting = hello;

  respond(environ: Environ, startResponse: StartResponse): ResponseBody {
    startResponse("200 OK", []);
    return [this.greeting(environ)];
  }
}
const responder = new Responder();

const functions: [string, Application][] = [
  ["a function", declared],
  [
    "an arrow function",
    (environ, startResponse) => {
      startResponse("200 OK", []);
      return [hello(environ)];
    },
  ],
  [
    "an async function",
    async (environ, startResponse) => {
      startResponse("200 OK", []);
      return [hello(environ)];
    },
  ],
  ["a generator function", generated],
  [
    "an async generator function",
    async function* (environ, startResponse) {
      startResponse("200 OK", []);
      yield hello(environ);
    },
  ],
  ["a bound function", responder.respond.bind(responder)],
  [
    "a method",
    {
      handle(this: void, environ: Environ, startResponse: StartResponse): ResponseBody {
        return declared(environ, startResponse);
      },
    }.handle,
  ],
];

describe("toApplication", () => {
  it.each(functions)("returns %s as it is", async (_, app) => {
    expect(toApplication(app)).toBe(app);
    expect(await text(toApplication(app)(environ, startResponse))).toBe("hello /x");
  });

  it("constructs a class for each request, and gives it both arguments", async () => {
    const made: unknown[] = [];
    class App {
      readonly #environ: Environ;

      constructor(environ: Environ, start: StartResponse) {
        made.push(this, start);
        this.#environ = environ;
        start("200 OK", []);
      }

      *[Symbol.iterator](): Generator<Uint8Array> {
        yield hello(this.#environ);
      }
    }
    const app = toApplication(App);
    const first = app(environ, startResponse);
    const second = app(environ, startResponse);
    expect(made).toEqual([first, startResponse, second, startResponse]);
    expect(first).toBeInstanceOf(App);
    expect(first).not.toBe(second);
    expect(await text(first)).toBe("hello /x");
  });

  it("constructs a class that inherits from another", () => {
    class Base {
      *[Symbol.iterator](): Generator<Uint8Array> {}
    }
    class App extends Base {}
    expect(toApplication(App)(environ, startResponse)).toBeInstanceOf(App);
  });

  it("calls the call of an object, as its method", async () => {
    const app = {
      prefix: "hello ",
      call(environ: Environ, startResponse: StartResponse): ResponseBody {
        startResponse("200 OK", []);
        return [Buffer.from(this.prefix + environ.PATH_INFO)];
      },
    };
    expect(await text(toApplication(app)(environ, startResponse))).toBe("hello /x");
  });

  it("finds call where a class put it, and when it is called, not when it is wrapped", async () => {
    class Framework {
      call(environ: Environ): ResponseBody {
        return [hello(environ)];
      }
    }
    const framework = new Framework();
    const app = toApplication(framework);
    expect(await text(app(environ, startResponse))).toBe("hello /x");
    const replaced = vi.fn<(environ: Environ) => ResponseBody>(() => []);
    framework.call = replaced;
    await app(environ, startResponse);
    expect(replaced).toHaveBeenCalledWith(environ, startResponse);
  });

  it("takes a function that has a call of its own for a function", () => {
    const app: Application = Object.assign(() => [], { call: () => [Buffer.from("wrong")] });
    expect(toApplication(app)).toBe(app);
  });

  it.each([
    [undefined, "undefined"],
    [null, "null"],
    ["app", 'the string "app"'],
    [42, "a number"],
    [Symbol("app"), "a symbol"],
    [{}, "a plain object"],
    [{ call: "me" }, "a plain object"],
    [Object.create(null), "a plain object"],
    [[], "an object of class Array"],
    [new Map(), "an object of class Map"],
    [Promise.resolve(declared), "an object of class Promise"],
    [{ default: declared }, "a plain object"],
  ])("refuses what is no application and says what it is (%#)", (app, name) => {
    expect(() => toApplication(app as never)).toThrow(
      new TypeError(`an application is a function, a class or an object with call(environ, startResponse), not ${name}`),
    );
  });

  it("types the forms it takes", () => {
    const forms: [Application, ApplicationClass, ApplicationObject] = [
      declared,
      class {
        *[Symbol.iterator](): Generator<Uint8Array> {}
      },
      { call: declared },
    ];
    expect(forms.map((form) => typeof toApplication(form))).toEqual(["function", "function", "function"]);
  });
});

describe("the name of a value", () => {
  it("cuts long strings", () => {
    expect(nameOf("x".repeat(1000))).toHaveLength('the string ""'.length + 60);
  });

  it("escapes what a string holds", () => {
    expect(nameOf('a"\n')).toBe(String.raw`the string "a\"\n"`);
  });

  it.each([
    [1n, "a bigint"],
    [true, "a boolean"],
    [() => {}, "a function"],
    [new Uint8Array(3), "an object of class Uint8Array"],
    [{ constructor: undefined }, "a plain object"],
    [{ constructor: { name: 5 } }, "a plain object"],
  ])("names other values by their kind (%#)", (value, name) => {
    expect(nameOf(value)).toBe(name);
  });
});
