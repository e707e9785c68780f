import { describe, expect, it } from "vitest";
import { answers } from "./apps.ts";
import {
  applicationFor,
  gatewayCases,
  gatewayConformance,
  memoryTransport,
  runCase,
  type ConformanceCase,
  type Transport,
} from "../conformance.ts";

const notes: string[] = [];
const probe = { note: (text: string): void => void notes.push(text) };

/** A case of this test's own. */
function caseOf(parts: Partial<ConformanceCase>): ConformanceCase {
  return {
    name: "a case",
    area: "body",
    request: {},
    app: () => answers("hello"),
    expect: { status: 200, body: "hello" },
    ...parts,
  };
}

/** Runs a case over memory. */
const run = (parts: Partial<ConformanceCase>): Promise<void> =>
  runCase(memoryTransport(), caseOf(parts), false, { deadlineMs: 50 });

/** Registers a table, and says which tests there were. */
function registered(transport: Transport): { names: string[]; tests: Map<string, () => Promise<void>> } {
  const names: string[] = [];
  const tests = new Map<string, () => Promise<void>>();
  gatewayConformance(transport, {
    describe(name, body) {
      names.push(name);
      body();
    },
    it: (name, body) => void tests.set(name, body),
  });
  return { names, tests };
}

describe("gatewayCases", () => {
  it("has cases enough in every area", () => {
    const counts: Record<string, number> = {};
    for (const { area } of gatewayCases) counts[area] = (counts[area] ?? 0) + 1;
    expect(Object.keys(counts)).toEqual(["environ", "input", "head", "body", "length", "write", "errors", "close"]);
    expect(Math.min(...Object.values(counts))).toBeGreaterThanOrEqual(7);
    expect(gatewayCases.length).toBeGreaterThanOrEqual(70);
  });

  it("names no case twice", () => {
    expect(new Set(gatewayCases.map(({ name }) => name)).size).toBe(gatewayCases.length);
  });

  it("says of every case what the client sees, or what the application notes", () => {
    for (const { expect: expected, name } of gatewayCases) {
      expect(expected.status !== undefined || (expected.notes ?? []).length > 0, name).toBe(true);
    }
  });
});

describe("gatewayConformance", () => {
  it("registers each case bare, and inside the validator unless it breaks the contract", () => {
    const { names, tests } = registered(memoryTransport());
    expect(names[0]).toBe("gateway conformance over memory");
    expect(tests.size).toBe(gatewayCases.length + gatewayCases.filter(({ breaks }) => breaks !== true).length);
  });

  it("registers what a transport lacks as a test that the case exists", async () => {
    const known = "sends an array";
    const { tests } = registered({ ...memoryTransport(), lacks: { [known]: "no arrays", "no such case": "a typing error" } });
    expect(tests.has(known)).toBe(false);
    expect(tests.has(`${known} (inside the validator)`)).toBe(false);
    await expect(tests.get(`lacks "${known}": no arrays`)?.()).resolves.toBeUndefined();
    await expect(tests.get('lacks "no such case": a typing error')?.()).rejects.toThrow("no such conformance case");
  });
});

describe("applicationFor", () => {
  it("makes the application of a case by its key, bare and inside the validator", () => {
    expect(applicationFor("calls an object", probe)).toBeTypeOf("object");
    expect(applicationFor("calls an object (inside the validator)", probe)).toBeTypeOf("function");
    expect(() => applicationFor("no such case", probe)).toThrow('no such conformance case: "no such case"');
  });
});

describe("runCase", () => {
  it("passes when all is as expected", async () => {
    await run({});
  });

  it("says case, transport, expected and got", async () => {
    await expect(
      run({ expect: { status: 201, reason: "Created", body: "other", headers: { equals: { "X-A": "1" } } } }),
    ).rejects.toThrow(
      [
        "a case, over memory",
        "  status: expected 201, got 200",
        '  reason: expected "Created", got "OK"',
        '  header X-A: expected ["1"], got []',
        '  body: expected "other", got "hello"',
      ].join("\n"),
    );
  });

  it("fails for notes that are missing, too many or in another order", async () => {
    const noting: ConformanceCase["app"] = (probe) => (environ, startResponse) => {
      probe.note("one");
      probe.note("two");
      return answers("hello")(environ, startResponse);
    };
    const expecting = (...expected: string[]): Promise<void> => run({ app: noting, expect: { status: 200, notes: expected } });
    await expecting("one", "two");
    await expect(expecting("two", "one")).rejects.toThrow('notes: expected ["two","one"], got ["one","two"]');
    await expect(expecting("one")).rejects.toThrow("notes: expected");
    await expect(expecting("one", "two", "three")).rejects.toThrow("notes: expected");
  });

  it("fails for what is noted only because the transport stops", async () => {
    const slow: ConformanceCase["app"] = (probe) => (environ, startResponse) => {
      stopped = () => probe.note("stopped");
      return answers("hello")(environ, startResponse);
    };
    let stopped = (): void => {};
    const memory = memoryTransport();
    const stopping: Transport = {
      name: "stopping",
      async start(app, hooks) {
        const running = await memory.start(app, hooks);
        return { send: (request) => running.send(request), stop: async () => stopped() };
      },
    };
    const known = caseOf({ app: slow, expect: { status: 200, notes: ["stopped"] } });
    await expect(runCase(stopping, known, false, { deadlineMs: 20 })).rejects.toThrow("not noted before the deadline");
  });

  it("fails for reports that nobody expected, and for those that did not come", async () => {
    const broken: ConformanceCase["app"] = () => () => {
      throw new Error("a bug");
    };
    await expect(run({ app: broken, expect: { status: 500 } })).rejects.toThrow("a bug");
    await run({ app: broken, expect: { status: 500, errors: "some", errorsWith: ["a bug"] } });
    await expect(run({ expect: { status: 200, errors: "some" } })).rejects.toThrow("expected a report, got nothing");
    await expect(run({ app: broken, expect: { status: 500, errors: "some", errorsWith: ["another"] } })).rejects.toThrow(
      'contains "another"',
    );
  });

  it("fails for a truncation that nobody expected, and for one that did not come", async () => {
    const broken: ConformanceCase["app"] = () =>
      function* body(_environ, startResponse) {
        startResponse("200 OK", [["Content-Type", "text/plain"]]);
        yield Buffer.from("hel");
        throw new Error("a bug");
      };
    await run({ app: broken, expect: { status: 200, body: "hello", truncated: true, errors: "some" } });
    await expect(run({ app: broken, expect: { status: 200, body: "hello", errors: "some" } })).rejects.toThrow(
      "truncated: expected false, got true",
    );
    await expect(run({ expect: { status: 200, truncated: true } })).rejects.toThrow("truncated: expected true, got false");
  });

  it("says where long bodies part", async () => {
    const body = "a".repeat(5000);
    await expect(run({ app: () => answers(`${body.slice(1)}b`), expect: { status: 200, body } })).rejects.toThrow(
      "another byte at 4999",
    );
  });

  it("fails when a response is wanted and none comes", async () => {
    const silent: ConformanceCase["app"] = (probe) => () => {
      probe.note("called");
      return new Promise(() => {});
    };
    await expect(run({ app: silent })).rejects.toThrow("a case, over memory: no end of the response");
    const left = run({ app: silent, request: { leave: { afterNote: "called" } }, expect: { status: 200, notes: ["called"] } });
    await expect(left).rejects.toThrow('response: expected "status 200", got "none"');
  });

  it("stops the transport, whatever happened", async () => {
    let stopped = 0;
    const failing: Transport = {
      name: "failing",
      start: async () => ({
        send: () => Promise.reject(new Error("no way")),
        stop: async () => void stopped++,
      }),
    };
    await expect(runCase(failing, caseOf({}), false)).rejects.toThrow("no way");
    expect(stopped).toBe(1);
  });
});
