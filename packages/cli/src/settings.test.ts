import { describe, expect, it } from "vitest";
import { helpText, parseCommand } from "./settings.ts";

const parse = (line: string, environment: Record<string, string> = {}): ReturnType<typeof parseCommand> =>
  parseCommand(line === "" ? [] : line.split(" "), environment);

describe("parseCommand", () => {
  it("serves on 127.0.0.1:8000 by default", () => {
    expect(parse("app.js")).toEqual({
      kind: "serve",
      bind: { host: "127.0.0.1", port: 8000, text: "127.0.0.1:8000" },
      protocol: "http",
      validate: false,
      target: "app.js",
    });
  });

  it.each(["-b :80 app", "-b:80 app", "--bind :80 app", "--bind=:80 app", "app -b :80", "-b :80 -- app"])(
    "reads the address in %j",
    (line) => {
      expect(parse(line)).toMatchObject({ bind: { text: ":80" }, target: "app" });
    },
  );

  it("reads --validate", () => {
    expect(parse("--validate app")).toMatchObject({ validate: true, target: "app" });
  });

  it.each(["http", "fastcgi", "scgi", "uwsgi"])("reads --protocol %s", (protocol) => {
    expect(parse(`--protocol ${protocol} -b fd://0 app`)).toMatchObject({ protocol, bind: { host: "fd://0" } });
  });

  it("takes what follows -- as the module, whatever it begins with", () => {
    expect(parse("-- -app.js")).toMatchObject({ target: "-app.js" });
  });

  it("listens on all IPv4 interfaces where PORT is set", () => {
    expect(parse("app", { PORT: "3000" })).toMatchObject({ bind: { host: "0.0.0.0", port: 3000 } });
    expect(parse("app", { PORT: "" })).toMatchObject({ bind: { text: "127.0.0.1:8000" } });
  });

  it("prefers --bind to PORT", () => {
    expect(parse("-b [::1]:80 app", { PORT: "nonsense" })).toMatchObject({ bind: { text: "[::1]:80" } });
  });

  it.each(["--help", "-h", "-h --version app", "app --help"])("shows the help for %j", (line) => {
    expect(parse(line)).toEqual({ kind: "help" });
  });

  it.each(["--version", "-v"])("shows the version for %j", (line) => {
    expect(parse(line)).toEqual({ kind: "version" });
  });

  it.each([
    ["", "no application is named: gateway MODULE[:EXPORT] (see gateway --help)"],
    ["--validate", "no application is named: gateway MODULE[:EXPORT] (see gateway --help)"],
    ["a b c", 'one application is served, "b" is too much (see gateway --help)'],
    ["--workers 4 app", "there is no flag --workers (see gateway --help)"],
    ["--workers=4 app", "there is no flag --workers (see gateway --help)"],
    ["-x app", "there is no flag -x (see gateway --help)"],
    ["--toString app", "there is no flag --toString (see gateway --help)"],
    ["--validate=yes app", "--validate takes no value (see gateway --help)"],
    ["app -b", "-b needs a value: -b ADDRESS (see gateway --help)"],
    ["--bind= app", "--bind needs a value: --bind ADDRESS (see gateway --help)"],
    ["-b --validate app", "-b needs a value: -b ADDRESS (see gateway --help)"],
    ["-b :1 -b :2 app", "--bind is given twice (see gateway --help)"],
    ["--protocol gopher app", 'there is no protocol "gopher": http, fastcgi, scgi, uwsgi'],
    ["--protocol app", "no application is named"],
    ["--protocol", "--protocol needs a value: --protocol NAME (see gateway --help)"],
    ["-b nowhere app", 'cannot bind "nowhere": a port is missing: nowhere:8000'],
  ])("refuses %j", (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  it("refuses a PORT that is none", () => {
    expect(() => parse("app", { PORT: "http" })).toThrow('PORT in the environment is "http", which is not a port (0 to 65535)');
  });
});

describe("helpText", () => {
  it("shows every flag, in lines that fit a terminal", () => {
    const help = helpText();
    for (const flag of ["-b, --bind ADDRESS", "--protocol NAME", "--validate", "-h, --help", "-v, --version"])
      expect(help).toContain(flag);
    expect(Math.max(...help.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});
