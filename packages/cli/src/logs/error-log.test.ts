import { errorText } from "@gateway/core/gateway";
import { describe, expect, it } from "vitest";
import { errorLog, escapeLine, type ErrorLog, type ErrorLogOptions } from "./error-log.ts";

function logged(options: ErrorLogOptions, act: (log: ErrorLog) => void): string[] {
  const entries: string[] = [];
  act(errorLog({ write: (entry) => void entries.push(entry) }, { now: () => Date.UTC(2026, 10, 21, 19, 5, 38, 123), ...options }));
  return entries.map((entry) => entry.replaceAll(`[${process.pid}`, "[PID"));
}

describe("errorLog", () => {
  it("writes one line an entry, with time, process and level", () => {
    const entries = logged({ level: "debug", label: "worker 2" }, (log) => {
      log.debug("one");
      log.info("two");
      log.warning("three");
      log.error("four");
    });
    expect(entries).toEqual([
      "2026-11-21T19:05:38.123Z [PID worker 2] debug: one\n",
      "2026-11-21T19:05:38.123Z [PID worker 2] info: two\n",
      "2026-11-21T19:05:38.123Z [PID worker 2] warning: three\n",
      "2026-11-21T19:05:38.123Z [PID worker 2] error: four\n",
    ]);
  });

  it.each([
    ["debug", 4],
    [undefined, 3],
    ["info", 3],
    ["warning", 2],
    ["error", 1],
  ] as const)("leaves out what is less than %s", (level, count) => {
    const entries = logged({ level }, (log) => {
      log.debug("x");
      log.info("x");
      log.warning("x");
      log.error("x");
    });
    expect(entries).toHaveLength(count);
  });

  it("writes a stack and its causes below, indented, as one entry", () => {
    const [entry = "", ...more] = logged({}, (log) =>
      log.error("it broke", errorText(new Error("outer\nforged", { cause: new TypeError("in\x1b[31mner") }))),
    );
    expect(more).toEqual([]);
    const [head, ...lines] = entry.trimEnd().split("\n");
    expect(head).toBe("2026-11-21T19:05:38.123Z [PID] error: it broke");
    expect(lines.every((line) => /^ {4}[ -~]+$/.test(line))).toBe(true);
    expect(lines[0]).toBe("    Error: outer");
    expect(entry).toContain("    caused by: TypeError: in\\x1b[31mner\n");
  });

  it("leaves what points to a column where it is", () => {
    const [entry] = logged({}, (log) =>
      log.error("it broke", "app.mjs:3\n\tconst two = (3;\n                ^\n\nSyntaxError: x\n"),
    );
    expect(entry?.split("\n").slice(1)).toEqual([
      "    app.mjs:3",
      "      const two = (3;",
      "                    ^",
      "    SyntaxError: x",
      "",
    ]);
  });

  it("lets nobody write an entry of his own", () => {
    const hostile = 'a\n2026-11-21T19:05:38.123Z [1] error: forged\r\x1b[2J\u2028\x85\x7f\0 ü 😀 " \\';
    const [entry] = logged({}, (log) => log.warning(hostile));
    expect(entry).toBe(
      '2026-11-21T19:05:38.123Z [PID] warning: a\\x0a2026-11-21T19:05:38.123Z [1] error: forged\\x0d\\x1b[2J\\u{2028}\\x85\\x7f\\x00 \\xfc \\u{1f600} " \\\n',
    );
  });

  it("takes what applications write to wsgi.errors: whole lines are an entry", () => {
    const entries = logged({}, ({ stream }) => {
      stream.write("Error: x\n    at y\n");
      stream.write("a ");
      stream.write("line\nand half of");
      stream.writelines([" another\n", "third\n"]);
      stream.write("rest");
      stream.flush();
      stream.flush();
      stream.write("\n\n");
    });
    expect(entries.map((entry) => entry.replace("2026-11-21T19:05:38.123Z [PID] ", ""))).toEqual([
      "error: Error: x\n    at y\n",
      "error: a line\n",
      "error: and half of another\n    third\n",
      "error: rest\n",
    ]);
  });

  it("holds no line that does not end for ever", () => {
    const entries = logged({}, ({ stream }) => {
      for (let i = 0; i < 100; i++) stream.write("x".repeat(1000));
    });
    expect(entries).toHaveLength(1);
    expect(entries[0]?.length).toBeLessThan(70_000);
  });
});

describe("escapeLine", () => {
  it("leaves printable ASCII alone", () => {
    const plain = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
    expect(escapeLine(plain)).toBe(plain);
  });
});
