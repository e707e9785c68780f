import { compose, isThenable, type Application, type Environ, type Middleware, type ResponseBody } from "@gateway/core";
import { buildEnviron, client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import type { CookieOptions } from "./cookie-options.ts";
import { memoryStore } from "./memory-store.ts";
import { sessions } from "./sessions.ts";
import type { SessionEnviron } from "./session.ts";
import type { SessionsOptions } from "./sessions-options.ts";
import { Clock, keepers, onion, page, secret, slowly, type TestApplication, type TestData } from "./test-onion.ts";

const text = (body: string): Buffer => Buffer.from(body);
const plain = (): [string, string][] => [["Content-Type", "text/plain"]];

/** Counts, in each of the ways an application may answer. */
const ways: Readonly<Record<string, TestApplication>> = {
  "an array": (environ, startResponse) => {
    const count = environ["gateway.session"].update("count", (n = 0) => n + 1);
    startResponse("200 OK", plain());
    return [text(`${count}`)];
  },
  "an array, the head before the session": (environ, startResponse) => {
    startResponse("200 OK", plain());
    return [text(`${environ["gateway.session"].update("count", (n = 0) => n + 1)}`)];
  },
  "a promise": async (environ, startResponse) => {
    await Promise.resolve();
    startResponse("200 OK", plain());
    return [text(`${environ["gateway.session"].update("count", (n = 0) => n + 1)}`)];
  },
  "a generator that starts late": function* (environ, startResponse) {
    const count = environ["gateway.session"].update("count", (n = 0) => n + 1);
    yield Buffer.alloc(0);
    startResponse("200 OK", plain());
    yield text(`${count}`);
  },
  "an asynchronous generator that starts late": async function* (environ, startResponse) {
    const count = environ["gateway.session"].update("count", (n = 0) => n + 1);
    await Promise.resolve();
    startResponse("200 OK", plain());
    yield text(`${count}`);
  },
  "write()": (environ, startResponse) => {
    const write = startResponse("200 OK", plain());
    void write(text(`${environ["gateway.session"].update("count", (n = 0) => n + 1)}`));
    return [];
  },
  "write() from a promise": async (environ, startResponse) => {
    const count = environ["gateway.session"].update("count", (n = 0) => n + 1);
    await Promise.resolve();
    const write = startResponse("200 OK", plain());
    await write(text(`${count}`));
    return [];
  },
  "a second head, because of an error": (environ, startResponse) => {
    startResponse("200 OK", plain());
    try {
      throw new Error("broken");
    } catch (error) {
      const count = environ["gateway.session"].update("count", (n = 0) => n + 1);
      startResponse("500 Internal Server Error", plain(), error);
      return [text(`${count}`)];
    }
  },
};

describe.each(keepers)("sessions() with %s", (_name, keeper) => {
  const start = (app: TestApplication, options: Partial<SessionsOptions> = {}): ReturnType<typeof onion> =>
    onion(app, { ...keeper(new Clock()), now: new Clock().now, ...options });

  it.each(Object.keys(ways))("counts for an application that answers with %s", async (way) => {
    const http = start(ways[way] as TestApplication);
    for (const count of ["1", "2", "3"]) {
      const response = await http.get("/");
      expect(response.text()).toBe(count);
      expect(response.headers.getAll("Set-Cookie")).toHaveLength(1);
      expect(response.headers.getAll("Vary")).toEqual(["Cookie"]);
    }
  });

  it.each([
    ["before anything is read", 0],
    ["in the middle", 1],
  ])("closes the body once when the client leaves %s", async (_when, chunks) => {
    const events: string[] = [];
    const http = start((environ, startResponse) => {
      environ["gateway.session"].set("count", 1);
      startResponse("200 OK", plain());
      const body = (async function* () {
        try {
          for (let i = 0; ; i++) yield text(`${i}`);
        } finally {
          events.push("returned");
        }
      })();
      return { [Symbol.asyncIterator]: () => body, close: () => void events.push("closed") };
    });
    const response = await http.open("GET", "/");
    let taken = 0;
    if (chunks > 0) for await (const _chunk of response.body) if (++taken === chunks) break;
    response.abort();
    expect((await response.finished).outcome).toBe("gone");
    expect(events.toSorted()).toEqual(["closed", "returned"]);
  });

  it("passes an error after the head on", async () => {
    let closed = 0;
    const http = start((environ, startResponse) => {
      environ["gateway.session"].set("count", 1);
      startResponse("200 OK", plain());
      const body = (function* () {
        yield text("some");
        throw new Error("broken in the middle");
      })();
      return { [Symbol.iterator]: () => body, close: () => void closed++ };
    });
    await expect(http.get("/", { errors: "expected" })).rejects.toThrow("broken in the middle");
    expect(closed).toBe(1);
  });

  it("passes chunks on as they come", async () => {
    const http = start(async function* (environ, startResponse) {
      environ["gateway.session"].set("count", 1);
      startResponse("200 OK", plain());
      yield text("one");
      yield text("two");
      yield text("three");
    });
    expect((await http.get("/")).chunks.map((chunk) => Buffer.from(chunk).toString())).toEqual(["one", "two", "three"]);
  });

  it("does not let a stream read the session first when its head says nothing of the cookie", async () => {
    const late = (headers: [string, string][]): TestApplication =>
      async function* (environ, startResponse) {
        startResponse("200 OK", [...plain(), ...headers]);
        yield text("some");
        yield text(`${environ["gateway.session"].get("count") ?? "none"}`);
      };
    await expect(start(late([])).get("/", { errors: "expected" })).rejects.toThrow("without Vary: Cookie");
    for (const header of [
      ["Vary", "Cookie"],
      ["Cache-Control", "private"],
      ["Cache-Control", "no-store"],
      ["Vary", "*"],
    ] as [string, string][]) {
      expect((await start(late([header])).get("/")).text()).toBe("somenone");
    }
    // No cache gives the answer to a POST to anybody.
    expect((await start(late([])).post("/")).text()).toBe("somenone");
  });

  it("does not count what is done after an array was returned", async () => {
    let session: SessionEnviron<TestData>["gateway.session"] | undefined;
    const http = start((environ, startResponse) => {
      session = environ["gateway.session"];
      session.set("count", 1);
      startResponse("200 OK", plain());
      return [text("done")];
    });
    await http.get("/");
    for (const change of [
      () => session?.set("count", 2),
      () => session?.update("count", () => 3),
      () => session?.delete("count"),
      () => session?.clear(),
      () => session?.flash("note", "late"),
      () => session?.regenerate(),
      () => session?.destroy(),
    ]) {
      expect(change).toThrow(/^session\.\w+: the (?:answer has been given|head of the answer has gone)/);
    }
    expect(session?.get("count")).toBe(1);
  });

  it("keeps the file body of the gateway", async () => {
    const marked = { file: { read: () => new Uint8Array(0) }, [Symbol.iterator]: () => [text("file")][Symbol.iterator]() };
    const app: TestApplication = (environ, startResponse) => {
      environ["gateway.session"].set("count", 1);
      startResponse("200 OK", plain());
      return marked;
    };
    const environ = buildEnviron({ method: "GET", target: "/" });
    const layer = sessions<TestData>({ secret, ...keeper(new Clock()), environKey: undefined });
    expect(await layer(app)(environ, () => () => {})).toBe(marked);
  });
});

describe("sessions()", () => {
  const request = (headers: [string, string][] = []): Environ => buildEnviron({ method: "GET", target: "/", headers });

  it.each(["a sealed cookie", "a store that answers at once"])("stays synchronous with %s", (name) => {
    const keeper = keepers.find(([known]) => known === name)?.[1];
    const layer = sessions<TestData>({ secret, ...keeper?.({ now: Date.now } as Clock), environKey: "gateway.session" });
    let cookie = "";
    for (const app of [ways["an array"], ways["a generator that starts late"]] as TestApplication[]) {
      for (let i = 0; i < 2; i++) {
        const answer = layer(app)(request(cookie === "" ? [] : [["Cookie", cookie]]), (_status, headers) => {
          cookie = headers.find(([header]) => header === "Set-Cookie")?.[1].split(";")[0] ?? "";
          return () => {};
        });
        expect(isThenable(answer)).toBe(false);
        expect(Symbol.iterator in answer).toBe(true);
        expect(cookie).toMatch(/^sid=/);
      }
    }
  });

  it("hands an array on as it is, and the list of headers too", () => {
    const body = [text("body")];
    const headers = plain();
    const layer = sessions({ secret });
    let given: unknown;
    const answer = layer((environ, startResponse) => {
      environ["gateway.session"].set("a", 1);
      startResponse("200 OK", headers);
      return body;
    })(request(), (_status, list) => {
      given = list;
      return () => {};
    });
    expect(answer).toBe(body);
    expect(given).toBe(headers);
  });

  it("stands twice in one onion, under two names and two keys", async () => {
    const app: Application<Environ & SessionEnviron<TestData> & SessionEnviron<{ level: number }, "app.admin">> = (
      environ,
      startResponse,
    ) => {
      const count = environ["gateway.session"].update("count", (n = 0) => n + 1);
      const level = environ["app.admin"].update("level", (n = 0) => n + 10);
      startResponse("200 OK", plain());
      return [text(`${count} ${level}`)];
    };
    const http = client(
      compose(
        sessions<TestData>({ secret }),
        validator as Middleware,
        sessions<{ level: number }, "app.admin">({ secret, store: memoryStore(), name: "admin", environKey: "app.admin" }),
        validator as Middleware,
      )(app),
    );
    expect((await http.get("/")).text()).toBe("1 10");
    const response = await http.get("/");
    expect(response.text()).toBe("2 20");
    expect(response.headers.getAll("Vary")).toEqual(["Cookie"]);
    expect(response.headers.getAll("Cache-Control")).toEqual(["private"]);
    expect(
      http.cookies
        .list()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(["admin", "sid"]);
    // Each is bound to its name: one does not open as the other.
    const admin = http.cookies.get("admin") ?? "";
    http.cookies.set("sid", admin);
    http.cookies.set("admin", http.cookies.get("sid") ?? "");
    expect((await http.get("/")).text()).toMatch(/^1 /);
  });

  it("answers an error of the outer startResponse, and closes the body", () => {
    let closed = 0;
    const layer = sessions({ secret });
    const app = layer((_environ, startResponse) => {
      startResponse("200 OK", plain());
      return { [Symbol.iterator]: () => [][Symbol.iterator](), close: () => void closed++ } as ResponseBody;
    });
    expect(() =>
      app(request(), () => {
        throw new Error("refused");
      }),
    ).toThrow("refused");
    expect(closed).toBe(1);
  });

  describe("checks its options while wrapping", () => {
    it.each<[unknown, string]>([
      [undefined, "give options"],
      [{}, "secret is at least 32 octets"],
      [{ secret: "short" }, "a secret of 5 octets is too short"],
      [{ secret: "é".repeat(15) }, "a secret of 30 octets is too short"],
      [{ secret: [] }, "the list of secrets is empty"],
      [{ secret: [secret, "short"] }, "too short"],
      [{ secret: [secret, secret] }, "stands twice"],
      [{ secret: 42 }, "secret is at least 32 octets"],
      [{ secret, maxAge: 60 }, "there is no option maxAge"],
      [{ secret, name: "a b" }, "name is a token"],
      [{ secret, environKey: "session" }, "environKey has a dot"],
      [{ secret, cookie: { path: "/app" } }, "browsers drop __Host-sid"],
      [{ secret, idleSeconds: 0 }, "idleSeconds is a number of seconds"],
      [{ secret, idleSeconds: "60" }, "idleSeconds is a number of seconds"],
      [{ secret, idleSeconds: Infinity }, "idleSeconds is finite"],
      [{ secret, absoluteSeconds: Number.NaN }, "absoluteSeconds is a number of seconds"],
      [{ secret, touchSeconds: -1 }, "touchSeconds is a number of seconds"],
      [{ secret, rolling: "yes" }, "rolling is true or false"],
      [{ secret, serializer: {} }, "serializer has the functions"],
      [{ secret, now: 5 }, "now is a function"],
      [{ secret, store: {} }, "store has no method read"],
      [{ secret, store: null }, "store is no object"],
      [
        { secret, store: { ...memoryStore(), read() {}, write() {}, touch() {}, delete() {}, atomic: undefined } },
        "whether it is atomic",
      ],
      [{ secret, store: memoryStore(), onStoreError: "ignore" }, "onStoreError is"],
      [{ secret, store: memoryStore(), maxDataBytes: 0 }, "maxDataBytes is a whole number"],
      [{ secret, store: memoryStore(), pruneSeconds: 0 }, "pruneSeconds is a number of seconds"],
      [{ secret, lazy: true }, "lazy is for sessions in a store"],
      [{ secret, onStoreError: "fail" }, "onStoreError is for sessions in a store"],
      [{ secret, maxDataBytes: 5000 }, "maxDataBytes is for sessions in a store"],
      [{ secret, pruneSeconds: 5000 }, "pruneSeconds is for sessions in a store"],
    ])("%j", (options, message) => {
      expect(() => sessions(options as { secret: string })).toThrow(message);
    });

    it("takes an option that is undefined for one that is not given", async () => {
      const undefineds: Omit<SessionsOptions, "secret"> = {
        store: undefined,
        lazy: undefined,
        name: undefined,
        cookie: undefined,
        idleSeconds: undefined,
        absoluteSeconds: undefined,
        touchSeconds: undefined,
        rolling: undefined,
        maxDataBytes: undefined,
        serializer: undefined,
        pruneSeconds: undefined,
        onStoreError: undefined,
        now: undefined,
      };
      const attributes: CookieOptions = {
        path: undefined,
        domain: undefined,
        httpOnly: undefined,
        sameSite: undefined,
        secure: undefined,
        maxAgeSeconds: undefined,
        partitioned: undefined,
        priority: undefined,
      };
      const app = page((session) => session.update("count", (count = 0) => count + 1));
      for (const more of [{}, { cookie: attributes }, { store: memoryStore({ maxEntries: undefined, now: undefined }) }]) {
        const http = client(sessions<TestData>({ secret, ...undefineds, environKey: undefined, ...more })(app));
        const { headers } = await http.get("/");
        expect(headers.get("Set-Cookie")).toMatch(/^sid=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax$/);
        expect((await http.get("/")).json()).toBe(2);
      }
    });

    it("takes secrets as octets too, and does not follow their changes", async () => {
      const octets = Buffer.alloc(32, "x");
      const app = page((session) => session.update("count", (count = 0) => count + 1));
      const http = onion(app, { secret: octets });
      await http.get("/");
      octets.fill("y");
      expect((await http.get("/")).json()).toBe(2);
      const other = onion(app, { secret: "x".repeat(32) });
      other.cookies.set("sid", http.cookies.get("sid") ?? "");
      expect((await other.get("/")).json()).toBe(3);
    });

    it("shows no secret in its errors", () => {
      for (const options of [{ secret: ["sesame".repeat(10), "sesame"] }, { secret: ["sesame".repeat(10), "sesame".repeat(10)] }]) {
        expect(() => sessions(options)).toThrow(
          expect.objectContaining({ message: expect.not.stringContaining("sesame") }) as Error,
        );
      }
    });
  });
});

describe("a slow store", () => {
  it("holds back the head until the session is saved", async () => {
    const memory = memoryStore();
    let write: (() => void) | undefined;
    const saved = new Promise<void>((resolve) => (write = resolve));
    const store = {
      ...slowly(memory),
      write: (id: string, record: Parameters<typeof memory.write>[1]) => saved.then(() => memory.write(id, record)),
    };
    const http = onion(ways["an array"] as TestApplication, { store });
    let answered = false;
    const response = http.get("/").then((it) => {
      answered = true;
      return it;
    });
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect([answered, memory.size]).toEqual([false, 0]);
    write?.();
    expect((await response).text()).toBe("1");
    expect(memory.size).toBe(1);
  });
});
