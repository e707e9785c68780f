import { compose, HTTPError, layer, onClose, type Application, type HeaderList } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { cors, type CorsOptions } from "./index.ts";
import { layerConformance } from "@gateway/testing/layer";
import { importExample } from "@gateway/testing/readme";

const around = (app: Application, options: CorsOptions = { origins: [friend] }): Application =>
  compose(cors(options), validator)(app);
const friend = "https://app.example";
const from = (origin: string): { headers: Record<string, string> } => ({ headers: { Origin: origin } });

const answering =
  (headers: HeaderList = []): Application =>
  (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Type", "text/plain"], ...headers]);
    return [Buffer.from("hello")];
  };

/** What of the answer is about other origins. */
const shared = (headers: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries([...headers].filter(([name]) => /^(?:vary|access-control-)/i.test(name)));

const preflight = (origin: string, more: Record<string, string> = {}) => ({
  headers: { Origin: origin, "Access-Control-Request-Method": "PUT", ...more },
});

describe("cors", () => {
  it("runs the example of the README", async () => {
    const example = await importExample(new URL("../README.md", import.meta.url), {
      "@gateway/cors": new URL("index.ts", import.meta.url),
    });
    const http = client(example as Application);
    const response = await http.get("/", from("https://a.preview.example"));
    expect(response.json()).toEqual({ temperature: 21 });
    expect(shared(response.headers)).toEqual({
      "Access-Control-Allow-Origin": "https://a.preview.example",
      "Access-Control-Allow-Credentials": "true",
      Vary: "Origin",
    });
    expect(shared((await http.get("/", from("https://preview.example"))).headers)).toEqual({ Vary: "Origin" });
  });

  describe("without an origin", () => {
    layerConformance((app) => around(app), { describe, it });
  });
  describe("for an origin that may", () => {
    layerConformance((app) => around(app), { describe, it }, { headers: { Origin: friend } });
  });
  describe("for an origin that may not", () => {
    layerConformance((app) => around(app), { describe, it }, { headers: { Origin: "https://evil.example" } });
  });
  describe("with a function that promises", () => {
    layerConformance((app) => around(app, { origins: async () => true }), { describe, it }, { headers: { Origin: friend } });
  });

  it.each<[string, CorsOptions, string | undefined, Record<string, string>]>([
    ["no origin", { origins: [friend] }, undefined, {}],
    ["a stranger", { origins: [friend] }, "https://evil.example", {}],
    ["a friend", { origins: [friend] }, friend, { "Access-Control-Allow-Origin": friend }],
    [
      "a friend with credentials",
      { origins: [friend], credentials: true },
      friend,
      { "Access-Control-Allow-Origin": friend, "Access-Control-Allow-Credentials": "true" },
    ],
    ["a stranger with credentials", { origins: [friend], credentials: true }, "https://evil.example", {}],
    [
      "exposed headers",
      { origins: [friend], exposedHeaders: ["ETag", "X-Total"] },
      friend,
      { "Access-Control-Allow-Origin": friend, "Access-Control-Expose-Headers": "ETag, X-Total" },
    ],
    [
      "everybody",
      { origins: "*", exposedHeaders: ["*"] },
      "https://any.example",
      { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "*" },
    ],
    ["everybody and null", { origins: "*" }, "null", { "Access-Control-Allow-Origin": "*" }],
    ["everybody without an origin", { origins: "*" }, undefined, { "Access-Control-Allow-Origin": "*" }],
    ["nobody", { origins: [] }, friend, {}],
    ["null that was not listed", { origins: [friend] }, "null", {}],
    ["null that was", { origins: ["null"] }, "null", { "Access-Control-Allow-Origin": "null" }],
    [
      "a function that says yes",
      { origins: (origin) => origin === friend, credentials: true },
      friend,
      { "Access-Control-Allow-Origin": friend, "Access-Control-Allow-Credentials": "true" },
    ],
    ["a function that says no", { origins: () => false }, friend, {}],
    [
      "a function that promises",
      { origins: async (origin) => origin === friend },
      friend,
      { "Access-Control-Allow-Origin": friend },
    ],
    ["what is no origin, whatever a function says", { origins: () => true, credentials: true }, "x", {}],
    ["two origins, whatever a function says", { origins: () => true, credentials: true }, `${friend}, https://evil.example`, {}],
    ["what looks like a name in the prototype", { origins: [friend] }, "__proto__", {}],
  ])("answers %s", async (_, options, origin, expected) => {
    for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
      const response = await client(around(answering(), options)).request(method, "/", origin === undefined ? {} : from(origin));
      expect([response.status, shared(response.headers)]).toEqual([200, { ...expected, Vary: "Origin" }]);
    }
  });

  it("gives a function the request", async () => {
    const http = client(around(answering(), { origins: (_origin, environ) => environ.PATH_INFO === "/open" }));
    expect(shared((await http.get("/open", from(friend))).headers)["Access-Control-Allow-Origin"]).toBe(friend);
    expect(shared((await http.get("/closed", from(friend))).headers)).toEqual({ Vary: "Origin" });
  });

  it("keeps what the application set, and says Vary: Origin once", async () => {
    const own = await client(
      around(
        answering([
          ["access-control-allow-origin", "https://own.example"],
          ["Vary", "Accept, ORIGIN"],
        ]),
      ),
    ).get("/", from(friend));
    expect(shared(own.headers)).toEqual({ "access-control-allow-origin": "https://own.example", Vary: "Accept, ORIGIN" });
    const star = await client(around(answering([["vary", "*"]]))).get("/", from(friend));
    expect(shared(star.headers)).toEqual({ vary: "*", "Access-Control-Allow-Origin": friend });
    const more = await client(
      around(
        answering([
          ["Vary", "Accept"],
          ["Vary", "X-Origin"],
        ]),
      ),
    ).get("/", from(friend));
    expect(more.headers.getAll("Vary")).toEqual(["Accept", "X-Origin", "Origin"]);
  });

  it("answers a preflight itself", async () => {
    const never: Application = () => {
      throw new Error("called");
    };
    const http = client(
      around(never, {
        origins: [friend],
        credentials: true,
        maxAgeSeconds: 60,
        allowedHeaders: ["Content-Type", "X-A"],
        methods: ["GET", "PUT"],
        exposedHeaders: ["ETag"],
      }),
    );
    const yes = await http.options("/any", preflight(friend));
    const varies = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";
    expect([yes.status, yes.bytes.length, Object.fromEntries(yes.headers)]).toEqual([
      204,
      0,
      {
        Vary: varies,
        "Access-Control-Allow-Origin": friend,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "GET, PUT",
        "Access-Control-Allow-Headers": "Content-Type, X-A",
        "Access-Control-Max-Age": "60",
      },
    ]);
    const no = await http.options("/any", preflight("https://evil.example"));
    expect([no.status, Object.fromEntries(no.headers)]).toEqual([204, { Vary: varies }]);
    const defaults = await client(around(never)).options("/", preflight(friend));
    expect(shared(defaults.headers)).toMatchObject({
      "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
      "Access-Control-Allow-Headers": "Content-Type",
      "Access-Control-Max-Age": "600",
    });
    const everybody = await client(around(never, { origins: "*" })).options("/", preflight("null"));
    expect(shared(everybody.headers)).toMatchObject({ "Access-Control-Allow-Origin": "*" });
    const promised = await client(around(never, { origins: async () => true })).options("/", preflight(friend));
    expect(shared(promised.headers)).toMatchObject({ "Access-Control-Allow-Origin": friend });
  });

  it("hands an OPTIONS that is no preflight to the application", async () => {
    expect((await client(around(answering())).options("/", from(friend))).text()).toBe("hello");
    expect((await client(around(answering())).options("/", { headers: { "Access-Control-Request-Method": "PUT" } })).text()).toBe(
      "hello",
    );
    expect((await client(around(answering())).get("/", preflight(friend))).text()).toBe("hello");
  });

  it("allows the headers that are asked for where it is told to, and nothing that is no list of names", async () => {
    const http = client(around(answering(), { origins: [friend], allowedHeaders: "requested" }));
    const ask = async (names: string) =>
      (await http.options("/", preflight(friend, { "Access-Control-Request-Headers": names }))).headers.get(
        "Access-Control-Allow-Headers",
      );
    expect(await ask("x-a,x-b ,\tauthorization")).toBe("x-a,x-b ,\tauthorization");
    for (const bad of ["x a", "x-a,,x-b", "", "x-a;q=1", "\u00a0x-a", '"', "x,".repeat(3000), `${" ".repeat(4000)}x y`])
      expect(await ask(bad), bad).toBeUndefined();
  });

  it("speaks of private networks only where it is told to, and asked", async () => {
    const ask = { "Access-Control-Request-Private-Network": "true" };
    const name = "Access-Control-Allow-Private-Network";
    const told = client(around(answering(), { origins: [friend], privateNetwork: true }));
    expect((await told.options("/", preflight(friend, ask))).headers.get(name)).toBe("true");
    expect((await told.options("/", preflight(friend))).headers.has(name)).toBe(false);
    expect((await told.options("/", preflight("https://evil.example", ask))).headers.has(name)).toBe(false);
    expect((await client(around(answering())).options("/", preflight(friend, ask))).headers.has(name)).toBe(false);
  });

  const kinds: Readonly<Record<string, (error: unknown) => Application>> = {
    "from a synchronous application": (error) => () => {
      throw error;
    },
    "from an asynchronous one": (error) => async () => {
      throw error;
    },
    "from a generator before its head": (error) =>
      function* () {
        yield Buffer.alloc(0);
        throw error;
      },
    "from an asynchronous generator before its head": (error) =>
      async function* () {
        yield Buffer.alloc(0);
        throw error;
      },
    "from a promised generator": (error) => async () =>
      (async function* () {
        yield Buffer.alloc(0);
        throw error;
      })(),
    "after startResponse": (error) => (_environ, startResponse) => {
      startResponse("200 OK", [["X-Lost", "1"]]);
      throw error;
    },
  };

  it.each(Object.entries(kinds))("puts its headers on the answer to an error %s", async (_, app) => {
    const grant = { "Access-Control-Allow-Origin": friend, Vary: "Origin" };
    const notFound = new HTTPError(404, "no such thing", { headers: [["X-Own", "1"]] });
    for (let twice = 0; twice < 2; twice++) {
      const response = await client(around(app(notFound))).get("/", from(friend));
      expect([response.status, response.text(), response.headers.get("X-Own"), shared(response.headers)]).toEqual([
        404,
        "no such thing\n",
        "1",
        grant,
      ]);
    }
    expect(notFound.headers).toEqual([["X-Own", "1"]]);
    const plain = await client(around(app(notFound))).get("/");
    expect([plain.status, shared(plain.headers)]).toEqual([404, { Vary: "Origin" }]);
    const broken = await client(around(app(new Error("the cause"))), { errors: "expected" }).get("/", from(friend));
    expect([broken.status, broken.text(), shared(broken.headers)]).toEqual([500, "500 Internal Server Error\n", grant]);
    expect(broken.errors).toContain("the cause");
  });

  it("leaves an unexpected error what it is where no page of another origin waits", async () => {
    const seen: unknown[] = [];
    const watch = layer((app) => (environ, startResponse) => {
      try {
        return app(environ, startResponse);
      } catch (error) {
        seen.push(error);
        throw error;
      }
    });
    const error = new TypeError("unexpected");
    const throwing: Application = () => {
      throw error;
    };
    for (const options of [{ origins: [friend] }, { origins: "*" }] satisfies CorsOptions[]) {
      await client(compose(watch)(around(throwing, options)), { errors: "expected" }).get("/");
    }
    await client(compose(watch)(around(throwing)), { errors: "expected" }).get("/", from("https://evil.example"));
    expect(seen).toEqual([error, error, error]);
    expect(seen.every((one) => one === error)).toBe(true);
  });

  it("keeps the stack and the cause of an HTTPError, which belong to the log", () => {
    const original = new HTTPError(404, "x", { cause: "why" });
    const throwing: Application = () => {
      throw original;
    };
    let caught: unknown;
    try {
      void around(throwing)(buildEnviron({ headers: [["Origin", friend]] }), () => () => {});
    } catch (error) {
      caught = error;
    }
    expect(caught).not.toBe(original);
    expect(caught).toMatchObject({ stack: original.stack, cause: "why", message: "x" });
  });

  it("closes a late body once, whoever stops it", async () => {
    const log: string[] = [];
    const app: Application = (_environ, startResponse) => {
      const body = (async function* () {
        try {
          startResponse("200 OK", [["Content-Type", "text/plain"]]);
          for (;;) yield Buffer.from("x");
        } finally {
          log.push("finally");
        }
      })();
      return onClose(body, () => void log.push("closed"));
    };
    const response = await client(around(app)).open("GET", "/", from(friend));
    response.abort();
    await response.finished;
    expect(log.toSorted()).toEqual(["closed", "finally"]);
  });

  it("keeps a synchronous application synchronous, and its array an array", () => {
    for (const headers of [[], [["Origin", friend]]] as HeaderList[]) {
      const body = validator(around(answering()))(buildEnviron({ headers }), () => () => {}) as readonly Uint8Array[] & {
        close?(): void;
      };
      expect(Array.isArray(body)).toBe(true);
      expect([...body].length).toBe(1);
      body.close?.();
    }
  });

  it("takes an option that is undefined for one that is not given", async () => {
    const options: CorsOptions = {
      origins: [friend],
      credentials: undefined,
      methods: undefined,
      allowedHeaders: undefined,
      exposedHeaders: undefined,
      maxAgeSeconds: undefined,
      privateNetwork: undefined,
    };
    const answers = [options, { origins: [friend] }].map((given) =>
      client(around(answering(), given)).request("OPTIONS", "/", preflight(friend)),
    );
    const [given, byDefault] = await Promise.all(answers);
    expect(shared(given?.headers ?? [])).toEqual(shared(byDefault?.headers ?? []));
    expect(given?.headers.get("Access-Control-Max-Age")).toBe("600");
  });

  it.each<[string, CorsOptions]>([
    ["no options", undefined as unknown as CorsOptions],
    ["no origins", {} as CorsOptions],
    ["one origin as a text", { origins: friend as "*" }],
    ["* in a list", { origins: ["*"] }],
    ["* with credentials", { origins: "*", credentials: true }],
    ["null with credentials", { origins: ["null"], credentials: true }],
    ["a wrong origin", { origins: ["app.example"] }],
    ["credentials that are no boolean", { origins: [], credentials: "true" as unknown as boolean }],
    ["a method in small letters", { origins: [], methods: ["patch"] }],
    ["a method that is none", { origins: [], methods: ["GET POST"] }],
    ["methods as a text", { origins: [], methods: "GET" as unknown as string[] }],
    ["a header with a line end", { origins: [], exposedHeaders: ["X-A\r\nX-B"] }],
    ["every header with credentials", { origins: [friend], credentials: true, allowedHeaders: ["*"] }],
    ["headers as a text", { origins: [], allowedHeaders: "Content-Type" as "requested" }],
    ["a private network as a text", { origins: [], privateNetwork: "yes" as unknown as boolean }],
    ["an option that there is not", { origins: [], origin: friend } as CorsOptions],
    ["a negative age", { origins: [], maxAgeSeconds: -1 }],
    ["half a second", { origins: [], maxAgeSeconds: 0.5 }],
    ["an age that would be written with an exponent", { origins: [], maxAgeSeconds: 1e21 }],
    ["an endless age", { origins: [], maxAgeSeconds: Infinity }],
    ["an origin that is null", { origins: [null as unknown as string] }],
  ])("refuses %s while wrapping", (_, options) => {
    expect(() => cors(options)).toThrow(/^cors: /);
  });
});
