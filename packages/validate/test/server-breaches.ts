import type { Application, ResponseBody, StartResponse, Write } from "@gateway/core";
import { validator } from "../src/index.ts";
import type { BreachCase } from "./breach-case.ts";
import { emptyBody, FakeExchange, finished, makeEnviron, open, type BodyIterator } from "./harness.ts";

const bytes = Buffer.from("hello");
const quiet: StartResponse = () => () => {};

const streaming: Application = function* (_, startResponse) {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  yield bytes;
  yield bytes;
};

const asynchronous: Application = async function* (_, startResponse) {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  yield bytes;
  yield bytes;
};

type Calls = (body: ResponseBody, iterator: BodyIterator) => unknown;

/** A body that is treated wrongly. */
function treated(rule: BreachCase["rule"], what: string, app: Application, calls: Calls): BreachCase {
  return {
    rule,
    what,
    async breaks() {
      const body = await validator(app)(makeEnviron(), quiet);
      await calls(body, open(body));
    },
  };
}

const bodies: readonly BreachCase[] = [
  treated("G51", "iterated again", streaming, (body) => open(body)),
  treated("G51", "iterated again, asynchronously", asynchronous, (body) => open(body)),
  treated("G52", "two at a time", asynchronous, (_, iterator) => {
    void iterator.next();
    return iterator.next();
  }),
  treated("G53", "next() after close()", streaming, (body, iterator) => {
    void body.close?.();
    return iterator.next();
  }),
  treated("G53", "next() after return()", asynchronous, async (_, iterator) => {
    await iterator.return?.();
    return iterator.next();
  }),
  treated("G54", "a stream closed twice", streaming, (body) => {
    void body.close?.();
    return body.close?.();
  }),
  treated("G54", "an array closed twice", emptyBody, (body) => {
    void body.close?.();
    return body.close?.();
  }),
  treated("G56", "closed in the middle", streaming, (body, iterator) => {
    void iterator.next();
    return body.close?.();
  }),
  treated("G56", "closed while next() is pending", asynchronous, (body, iterator) => {
    void iterator.next();
    return body.close?.();
  }),
  treated("G56", "returned twice", streaming, (_, iterator) => {
    void iterator.return?.();
    return iterator.return?.();
  }),
  treated("G56", "returned after close()", streaming, (body, iterator) => {
    void body.close?.();
    return iterator.return?.();
  }),
  {
    rule: "G55",
    what: "never closed",
    async breaks() {
      const exchange = new FakeExchange();
      await validator(emptyBody)(makeEnviron({ "gateway.exchange": exchange }), quiet);
      exchange.end();
    },
  },
];

/** An application that writes, on a server whose `write` is this. */
function written(rule: BreachCase["rule"], what: string, write: unknown): BreachCase {
  const app: Application = async (_, startResponse) => {
    await startResponse("200 OK", [["Content-Type", "text/plain"]])(bytes);
    return [];
  };
  return { rule, what, breaks: () => validator(app)(makeEnviron(), () => write as Write) };
}

/** An application that begins again after its first bytes, on a server whose `startResponse` is this. */
function beginsAgain(what: string, startResponse: StartResponse, app: Application): BreachCase {
  return {
    rule: "G47",
    what,
    async breaks() {
      const body = await validator(app)(makeEnviron(), startResponse);
      const iterator = open(body);
      await iterator.next();
      await iterator.next();
    },
  };
}

const streamsAgain: Application = function* (_, startResponse) {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  yield bytes;
  startResponse("500 Oops", [["Content-Type", "text/plain"]], new Error("oops"));
};

const writesAgain: Application = (_, startResponse) => {
  void startResponse("200 OK", [["Content-Type", "text/plain"]])(bytes);
  startResponse("500 Oops", [["Content-Type", "text/plain"]], new Error("oops"));
  return [];
};

const throwsAnother: StartResponse = (_status, _headers, excInfo) => {
  if (excInfo !== undefined) throw new Error("another");
  return () => {};
};

const calls: readonly BreachCase[] = [
  ...[[makeEnviron()], [makeEnviron(), quiet, 1]].map(
    (args): BreachCase => ({
      rule: "G1",
      what: `${args.length} arguments`,
      breaks: () => Reflect.apply(validator(emptyBody), undefined, args),
    }),
  ),
  { rule: "G44", what: "no function", breaks: () => validator(emptyBody)(makeEnviron(), {} as StartResponse) },
  { rule: "G44", what: "no write", breaks: () => validator(emptyBody)(makeEnviron(), (() => {}) as unknown as StartResponse) },
  beginsAgain("returns", quiet, streamsAgain),
  beginsAgain("throws another error", throwsAnother, streamsAgain),
  beginsAgain("returns, after write", quiet, writesAgain),
  written("G49", "gives a number", () => 5),
  written("G49", "rejects", () => Promise.reject(new Error("no"))),
  {
    rule: "G49",
    what: "rejects, and nobody waits",
    async breaks() {
      const app: Application = (_, startResponse) => {
        void startResponse("200 OK", [["Content-Type", "text/plain"]])(bytes);
        return [];
      };
      const body = await validator(app)(makeEnviron(), () => () => Promise.reject(new Error("no")));
      await new Promise(setImmediate);
      await body.close?.();
    },
  },
];

/** An exchange that does something wrong. */
function exchange(rule: BreachCase["rule"], what: string, use: (exchange: FakeExchange) => unknown): BreachCase {
  return {
    rule,
    what,
    breaks() {
      const exchange = new FakeExchange();
      const app: Application = (environ, startResponse) => {
        environ["gateway.exchange"].onEnd(() => {});
        void environ["gateway.exchange"].signal;
        return emptyBody(environ, startResponse);
      };
      if (what === "no signal") Reflect.set(exchange, "signal", {});
      const body = validator(app)(makeEnviron({ "gateway.exchange": exchange }), quiet) as ResponseBody;
      void body.close?.();
      return use(exchange);
    },
  };
}

const endings: readonly unknown[] = [undefined, {}, { ...finished, outcome: "done" }, { ...finished, headAt: "now" }];

const exchanges: readonly BreachCase[] = [
  exchange("G37", "no signal", () => {}),
  exchange("G38", "told twice", (exchange) => {
    exchange.end();
    exchange.end();
  }),
  ...endings.map((ending, index) => exchange("G38", `ending ${index}`, (exchange) => exchange.end(ending ?? null))),
];

/** What servers do wrong. */
export const serverBreaches: readonly BreachCase[] = [...bodies, ...calls, ...exchanges];
