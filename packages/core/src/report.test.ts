import { describe, expect, it } from "vitest";
import { errorText, report } from "./report.ts";

describe("errorText", () => {
  it("shows name, message and stack, with every line but the first indented", () => {
    const text = errorText(new TypeError("boom"));
    expect(text).toMatch(/^TypeError: boom\n {8}at .*report\.test\.ts:/);
    expect(text.endsWith("\n")).toBe(true);
    const [, ...rest] = text.slice(0, -1).split("\n");
    expect(rest.every((line) => line.startsWith("    "))).toBe(true);
  });

  it("shows the message that an error has now, and a name for one without a stack", () => {
    const error = new Error("old");
    error.stack = "Error: old\n    at there";
    error.message = "new";
    expect(errorText(error)).toBe("Error: new\n    Error: old\n        at there\n");
    const bare = new RangeError("bare");
    delete bare.stack;
    expect(errorText(bare)).toBe("RangeError: bare\n    \n");
  });

  it("shows the causes, also of what is thrown by others, and stops where they go round", () => {
    const error = new Error("outer", { cause: new Error("inner", { cause: "a string" }) });
    expect(errorText(error).match(/^(?:\S.*| {4}caused by: .*)$/gm)).toEqual([
      "Error: outer",
      "    caused by: Error: inner",
      "    caused by: thrown: a string",
    ]);
    const round = new Error("round");
    round.cause = round;
    expect(errorText(round).match(/caused by/g)).toHaveLength(4);
  });

  it.each<[unknown, string]>([
    [undefined, "thrown: undefined"],
    [null, "thrown: null"],
    [5, "thrown: 5"],
    ["text", "thrown: text"],
    [{ a: 1 }, 'thrown: {"a":1}'],
    [Symbol("s"), "thrown: Symbol(s)"],
    [() => 1, "thrown: () => 1"],
    [5n, "thrown: a value that cannot be shown"],
    [circular(), "thrown: a value that cannot be shown"],
    [hostile(), "thrown: a value that cannot be shown"],
  ])("shows what is no error (%#)", (value, text) => {
    expect(errorText(value)).toBe(`${text}\n`);
  });

  it.each(["name", "message", "stack", "cause"])("bears an error whose %s is not what it should be", (key) => {
    for (const value of [5, Symbol("s"), null, {}]) {
      const error = Object.defineProperty(new Error("x"), key, { value });
      expect(errorText(error)).toMatch(/\n$/);
    }
    const error = Object.defineProperty(new Error("x"), key, {
      get() {
        throw new Error("getter");
      },
    });
    expect(errorText(error)).toMatch(/\n$/);
  });

  it("lets nobody write a line, a colour or a direction of his own", () => {
    const text = errorText("a\r\nFAKE 200\n\u{1b}[31mred\u{7f}\0\u{9b}31m\u{85}\u{2028}\u{2029}\u{202e}\u{feff}\tb\u{d800}");
    expect(text).toBe(
      "thrown: a\\x0d\n    FAKE 200\n    \\x1b[31mred\\x7f\\x00\\x9b31m\\x85\\u{2028}\\u{2029}\\u{202e}\\u{feff}\tb\\u{d800}\n",
    );
  });

  it("leaves other text as it is", () => {
    expect(errorText("na\u{ef}ve \u{20ac} \u{65e5}\u{672c} \u{1f600}")).toBe(
      "thrown: na\u{ef}ve \u{20ac} \u{65e5}\u{672c} \u{1f600}\n",
    );
  });
});

describe("report", () => {
  it("writes and flushes, and says which request it is", () => {
    const calls: string[] = [];
    report({ write: (text) => calls.push(text), writelines() {}, flush: () => calls.push("flush") }, request, "x");
    expect(calls).toEqual(["PUT /app/x: thrown: x\n", "flush"]);
  });

  it("shows no query, and lets nobody write a line of his own by a path or a method", () => {
    const calls: string[] = [];
    const errors = { write: (text: string) => calls.push(text), writelines() {}, flush() {} };
    const hostile = {
      ...request,
      REQUEST_METHOD: "G\nET",
      PATH_INFO: "/a\r\nFAKE \u{1b}[31m\u{2028}\u{d800}?é",
      QUERY_STRING: "key=secret",
    };
    report(errors, hostile, "x");
    expect(calls).toEqual(["G%0AET /app/a%0D%0AFAKE%20%1B%5B31m%E2%80%A8%EF%BF%BD%3F%C3%A9: thrown: x\n"]);
  });

  it.each(["write", "flush"])("goes to the console where %s throws", (method) => {
    expect(shownBy(() => report({ write() {}, writelines() {}, flush() {}, [method]: fail }, request, "x"))).toEqual([
      "PUT /app/x: thrown: x\n",
    ]);
  });

  it("goes to the console where the stream is gone", () => {
    expect(shownBy(() => report(undefined as never, request, "y"))).toEqual(["PUT /app/x: thrown: y\n"]);
  });

  it("writes the error where an application took the method or the path away", () => {
    const calls: string[] = [];
    const errors = { write: (text: string) => calls.push(text), writelines() {}, flush() {} };
    report(errors, { ...request, REQUEST_METHOD: undefined as never }, "x");
    report(errors, { ...request, SCRIPT_NAME: undefined as never, PATH_INFO: undefined as never }, "x");
    expect(calls).toEqual(["thrown: x\n", "thrown: x\n"]);
  });
});

const request = { REQUEST_METHOD: "PUT", SCRIPT_NAME: "/app", PATH_INFO: "/x" };

/** What the console was given meanwhile. */
function shownBy(act: () => void): readonly unknown[] {
  const shown: unknown[] = [];
  const { error } = console;
  console.error = (text: unknown) => shown.push(text);
  try {
    act();
  } finally {
    console.error = error;
  }
  return shown;
}

function circular(): unknown {
  const value: { self?: unknown } = {};
  value.self = value;
  return value;
}

function hostile(): unknown {
  return {
    toJSON() {
      throw new Error("no");
    },
  };
}

function fail(): never {
  throw new Error("the disk is full");
}
