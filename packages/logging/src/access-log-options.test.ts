import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { accessLog, type AccessLogOptions } from "./access-log.ts";
import { Lines } from "./test-log.ts";

describe("the options of accessLog", () => {
  it.each<[AccessLogOptions, string]>([
    [{ file: "a", stream: { write() {} } }, "lines go to one place, not to file and stream"],
    [{ reopenSignal: "SIGHUP" }, "reopenSignal is for file"],
    [{ format: 3 as unknown as string }, "format is a string or a function"],
    [{ skip: true as unknown as () => boolean }, "skip is a function"],
    [{ level: "info" as unknown as () => "info" }, "level is a function"],
    [{ sample: 1.5 }, "sample is a number from 0 to 1"],
    [{ sample: Number.NaN }, "sample is a number from 0 to 1"],
    [{ colour: "blue" as "auto" }, 'colour is "auto", "always" or "never"'],
    [{ requestHeaders: ["a b"] }, 'requestHeaders: "a b" is no header name'],
    [{ responseHeaders: [""] }, 'responseHeaders: "" is no header name'],
    [{ atoms: { "a b": () => "" } }, "atoms: a b is no name with a function"],
    [{ atoms: { a: "b" as unknown as () => string } }, "atoms: a is no name with a function"],
    [{ logger: { info() {} } as unknown as Console }, "a logger has info, warn and error"],
    [{ destination: {} as Lines }, "a destination has a function write"],
    [{ stream: {} as Writable }, "a stream has a function write"],
    [{ redact: { query: [3] as unknown as string[] } }, "redact.query is a list of names"],
    [{ file: "" }, "the path of a log file is empty"],
    [{ file: "/no/such/folder/access.log" }, "ENOENT"],
  ])("refuses %o", (options, message) => {
    expect(() => accessLog(options)).toThrow(message);
  });
});
