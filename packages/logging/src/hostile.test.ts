import type { Application, Environ, HeaderList } from "@gateway/core";
import { describe, expect, it } from "vitest";
import pino from "pino";
import { accessLog, type AccessLogOptions } from "./access-log.ts";
import { redactedByDefault } from "./redact.ts";
import { campaignTimeout, scaled, seededRandom } from "@gateway/testing/campaign";
import { hello, Lines, request } from "./test-log.ts";

/** What an attacker sends: anything at all, and more often what means something to a log, a terminal or a parser. */
const pieces = [
  "\n",
  "\r\n",
  "\r",
  "\0",
  "\t",
  "\v",
  "\u{85}",
  "\u{2028}",
  "\u{1B}[31m",
  "\u{1B}]0;title\u{7}",
  "\u{9B}2J",
  "\u{7F}",
  "\u{8}",
  '"',
  "'",
  "\\",
  '\\"',
  "\\x22",
  "\\n",
  "%",
  "%0A",
  "%0d%0a",
  "%1B",
  "%22",
  "%%",
  "%h",
  "%(h)s",
  "%{x}i",
  "$1",
  "$&",
  "${x}",
  " ",
  "  ",
  "-",
  "[",
  "]",
  "{",
  "}",
  ",",
  ":",
  "=",
  "&",
  ";",
  "?",
  "#",
  "/",
  "..",
  "<script>",
  "@",
  "token=x",
  "%74oken=x",
  "?password=x&",
  "//a:b@c",
  '" 200 5 "-" "-"',
  '127.0.0.1 - admin [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.1" 200 1',
  '","severity_text":"INFO","x":"',
  "__proto__",
  "constructor",
];

function hostileText(random: () => number, highest: number): string {
  let text = "";
  const length = Math.floor(random() ** 3 * 24);
  for (let i = 0; i < length; i++) {
    if (random() < 0.5) text += pieces[Math.floor(random() * pieces.length)] ?? "";
    else text += String.fromCharCode(Math.floor(random() * highest));
  }
  // A gateway gives latin-1, and so do we; what is decoded may be anything.
  return highest <= 256 ? text.replaceAll(/[^\0-\u{FF}]/gu, "?") : text;
}

/** No gateway of ours lets most of this through: the log does not count on that. */
function hostileEnviron(random: () => number): Partial<Environ> {
  const latin1 = (): string => hostileText(random, 256);
  const decoded = (): string => hostileText(random, 65_536);
  const environ: Partial<Environ> = {
    REQUEST_METHOD: random() < 0.5 ? "GET" : latin1(),
    PATH_INFO: `/${decoded()}`,
    SCRIPT_NAME: random() < 0.8 ? "" : `/${decoded()}`,
    QUERY_STRING: latin1(),
    SERVER_PROTOCOL: random() < 0.8 ? "HTTP/1.1" : latin1(),
    REQUEST_URI: random() < 0.2 ? undefined : latin1(),
    REMOTE_ADDR: random() < 0.8 ? "192.0.2.1" : latin1(),
    HTTP_HOST: latin1(),
    HTTP_REFERER: random() < 0.2 ? undefined : latin1(),
    HTTP_USER_AGENT: latin1(),
    HTTP_X_ANY: latin1(),
    HTTP_COOKIE: "hunter2",
    HTTP_AUTHORIZATION: "hunter2",
    "gateway.request_id": latin1(),
  };
  return Object.assign(environ, { REMOTE_USER: decoded() });
}

/** Answers with what came, as careless applications do. */
const echo: Application = (environ, startResponse) => {
  const headers: HeaderList = [["Content-Type", "text/plain"]];
  // The head itself is checked by the run loop; what it lets through is obs-text and tabs.
  const value = (environ.HTTP_X_ANY ?? "").replaceAll(/[^\t -~\u{80}-\u{FF}]/gu, "");
  headers.push(["X-Any", value], ["Set-Cookie", "hunter2"]);
  startResponse("200 OK", headers);
  return [];
};

/** A field, and what it means: the way back from the escaping. @returns `undefined` for what the escaping cannot have made. */
function unescapeField(text: string): Buffer | undefined {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === '"') return undefined;
    if (character !== "\\") {
      bytes.push(text.charCodeAt(i));
      continue;
    }
    const next = text.charAt(++i);
    if (next === '"' || next === "\\") bytes.push(next.charCodeAt(0));
    else if (next === "x" && /^[0-9a-f]{2}$/.test(text.slice(i + 1, i + 3))) {
      bytes.push(Number.parseInt(text.slice(i + 1, i + 3), 16));
      i += 2;
    } else return undefined;
  }
  return Buffer.from(bytes);
}

/** Splits a line at its spaces; quotes and brackets hold together. An escaped quote ends nothing. */
function fieldsOf(line: string): string[] {
  return Array.from(
    line.matchAll(/"((?:[^"\\]|\\.)*)"(?= |$)|\[([^\]]*)\](?= |$)|([^ "]\S*)(?= |$)/g),
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
}

const latin1 = (text: string | undefined): Buffer => Buffer.from(text ?? "-", "latin1");
const orDash = (text: string | undefined): string => (text === undefined || text === "" ? "-" : text);

/** Redaction is tested by itself: here a text that has a key in it needs only to have lost the secret. */
function expectField(field: string | undefined, expected: Buffer, source: string): void {
  const bytes = unescapeField(field ?? "\\");
  expect(bytes, `${JSON.stringify(field)} of ${JSON.stringify(source)}`).toBeDefined();
  if (!/[=@]/.test(source)) expect(bytes?.toString("latin1")).toBe(expected.toString("latin1"));
}

async function attack(
  options: AccessLogOptions,
  seed: number,
  count: number,
  check: (line: string, environ: Partial<Environ>) => void,
): Promise<void> {
  const random = seededRandom(seed);
  const lines = new Lines();
  const app = accessLog({ ...options, destination: lines })(echo);
  for (let i = 0; i < count; i++) {
    const environ = hostileEnviron(random);
    expect(await request(app, { environ })).toBe("");
    const [line, ...more] = lines.all.splice(0);
    if (line === undefined || more.length > 0 || !/^[ -~]+\n$/.test(line))
      expect.fail(`no single line of printable ASCII: ${JSON.stringify([line, ...more])}`);
    if (line.includes("hunter2")) expect.fail(`a secret: ${line}`);
    check(line.slice(0, -1), environ);
  }
}

// A million in all.
const count = scaled(125_000);

function checkCombined(line: string, environ: Partial<Environ>, extra = 0): void {
  const fields = fieldsOf(line);
  expect(fields, line).toHaveLength(9 + extra);
  const [address, dash, user, time, requestLine, status, bytes, referer, agent] = fields;
  expectField(address, latin1(orDash(environ.REMOTE_ADDR)), "");
  expect(dash).toBe("-");
  const name = (environ as { REMOTE_USER?: string }).REMOTE_USER;
  expectField(user, Buffer.from(orDash(name), "utf8"), "");
  expect(time).toMatch(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}$/);
  if (environ.REQUEST_URI !== undefined) {
    const whole = `${environ.REQUEST_METHOD} ${environ.REQUEST_URI} ${environ.SERVER_PROTOCOL}`;
    expectField(requestLine, latin1(whole), environ.REQUEST_URI);
  }
  expect([status, bytes]).toEqual(["200", "-"]);
  expectField(referer, latin1(environ.HTTP_REFERER), environ.HTTP_REFERER ?? "");
  expectField(agent, latin1(environ.HTTP_USER_AGENT), environ.HTTP_USER_AGENT ?? "");
}

describe("a hostile client", () => {
  it("writes no second line, no colour and no field in common", { timeout: campaignTimeout }, async () => {
    await attack({ format: "common" }, 1, count, (line, environ) => {
      const fields = fieldsOf(line);
      expect(fields, line).toHaveLength(7);
      expectField(fields[0], latin1(orDash(environ.REMOTE_ADDR)), "");
      expect(fields.slice(5)).toEqual(["200", "-"]);
    });
  });

  it("nor in combined", { timeout: campaignTimeout }, async () => {
    await attack({ format: "combined" }, 2, count, checkCombined);
  });

  it("nor in timed", { timeout: campaignTimeout }, async () => {
    await attack({ format: "timed" }, 3, count, (line, environ) => {
      checkCombined(line, environ, 4);
      const id = environ["gateway.request_id"] as string;
      const [first, total, outcome, requestId] = fieldsOf(line).slice(9);
      expect([Number(first) >= 0, Number(total) >= 0, outcome]).toEqual([true, true, "finished"]);
      expectField(requestId, latin1(orDash(id)), "");
    });
  });

  it("nor in dev, whose colours are its own", { timeout: campaignTimeout }, async () => {
    await attack({ format: "dev" }, 4, count / 2, (line) => {
      expect(line).toMatch(/^\S* \S* 200 [\d.]+ ms 0 B$/);
    });
    const random = seededRandom(5);
    const lines = new Lines();
    const app = accessLog({ format: "dev", colour: "always", destination: lines })(echo);
    for (let i = 0; i < count / 2; i++) {
      await request(app, { environ: hostileEnviron(random) });
      // Escape, for the eye: a character that no line has.
      const line = lines.all.pop()?.replaceAll("\u{1B}", "␛");
      expect(line).toMatch(/^[!-~]* [!-~]* ␛\[32m200␛\[0m ␛\[2m[\d.]+ ms 0 B␛\[0m\n$/u);
    }
  });

  it("nor in json, which gives back what was sent", { timeout: campaignTimeout }, async () => {
    const options: AccessLogOptions = {
      format: "json",
      requestHeaders: ["X-Any", "Cookie"],
      responseHeaders: ["X-Any", "Set-Cookie"],
    };
    await attack(options, 6, count, (line, environ) => {
      const record = JSON.parse(line) as Record<string, unknown>;
      expect(record).toMatchObject({
        severity_text: "INFO",
        "http.response.status_code": 200,
        "user_agent.original": environ.HTTP_USER_AGENT,
        "gateway.request_id": environ["gateway.request_id"],
        "user.name": (environ as { REMOTE_USER?: string }).REMOTE_USER,
        "http.request.header.cookie": ["REDACTED"],
        "http.response.header.set-cookie": ["REDACTED"],
      });
      if (!/[=@]/.test(environ.HTTP_X_ANY ?? "")) expect(record["http.request.header.x-any"]).toEqual([environ.HTTP_X_ANY]);
    });
  });

  it("nor with atoms of gunicorn or Apache that stand free", { timeout: campaignTimeout }, async () => {
    const names = ["REQUEST_METHOD", "PATH_INFO", "HTTP_X_ANY"] as const;
    for (const [seed, format] of [
      "%(m)s|%(U)s|%({x-any}i)s|%({remote_user}e)s|%(s)s|%({x-any}o)s",
      "%m|%U|%{X-Any}i|%{REMOTE_USER}e|%s|%{X-Any}o",
    ].entries()) {
      await attack({ format }, 7 + seed, count / 2, (line, environ) => {
        const fields = line.split("|");
        expect(fields, line).toHaveLength(6);
        for (const field of fields) expect(field).toMatch(/^[!-~]+$/);
        const [method, path, header] = names.map((name) => environ[name]);
        expectField(fields[0], latin1(orDash(method)), "");
        expectField(fields[1], Buffer.from(`${environ.SCRIPT_NAME}${path}`, "utf8"), "");
        expectField(fields[2], latin1(orDash(header)), header ?? "");
        expect(fields[4]).toBe("200");
      });
    }
  });

  it("nor by a format function that writes what it is given", { timeout: campaignTimeout }, async () => {
    const format: AccessLogOptions["format"] = ({ path, environ }) => `${path} ${environ.HTTP_USER_AGENT} ${environ.HTTP_X_ANY}.`;
    await attack({ format }, 9, count, () => {});
  });

  it("sees to it that no secret of a query is logged, however its key is spelt", { timeout: campaignTimeout }, async () => {
    const random = seededRandom(11);
    const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
    const spelt = (key: string): string =>
      Array.from(key, (character) => {
        const code = (random() < 0.5 ? character.toUpperCase() : character).charCodeAt(0).toString(16);
        return pick([character, character, character.toUpperCase(), `%${code}`, `%${code.toUpperCase()}`, `%25${code}`]);
      }).join("");
    const wrapped = (key: string): string =>
      pick([key, key, `a[${key}]`, `a%5B${key}%5d`, `a.${key}`, `${key}[]`, `+${key}`, `%20${key}`]);
    for (const format of [
      "combined",
      "dev",
      "json",
      "%U%q %{target}x %{QUERY_STRING}e %{REQUEST_URI}e %{Referer}i %{HTTP_REFERER}e",
    ]) {
      const lines = new Lines();
      const app = accessLog({ format, destination: lines })(hello);
      for (let i = 0; i < count / 4; i++) {
        const pair = `${wrapped(spelt(pick(redactedByDefault.query)))}=${pick(["", "=", ";", "%3D"])}s3cret${pick(["", ";s3cret", "=s3cret", "?s3cret"])}`;
        const query = `${pick(["", "a=1&", "b&", "c=d;", "&&", "x=y=z&", "%zz&", "?"])}${pair}${pick(["", "&a=1", "&", "#f"])}`;
        await request(app, {
          environ: {
            REQUEST_URI: `/p?${query}`,
            QUERY_STRING: query,
            HTTP_REFERER: `http://u:s3cret@h/${pick(["?", "#", "a?b#"])}${query}`,
          },
        });
        const line = lines.all.pop() ?? "s3cret";
        if (line.includes("s3cret")) expect.fail(`${line} of ${query}`);
      }
    }
  });

  it("nor by way of a logger", { timeout: campaignTimeout }, async () => {
    const random = seededRandom(10);
    let written = "";
    const logger = pino({}, { write: (text: string) => void (written = text) });
    const app = accessLog({ logger, requestHeaders: ["X-Any"] })(hello);
    for (let i = 0; i < count; i++) {
      await request(app, { environ: hostileEnviron(random) });
      if (!/^[ -~]+\n$/.test(written)) expect.fail(JSON.stringify(written));
      // What the logger was given is fit for a terminal, not only what it wrote.
      const values = Object.values(JSON.parse(written) as Record<string, unknown>).flat();
      for (const value of values) if (typeof value === "string" && /[^ -~]/.test(value)) expect.fail(JSON.stringify(value));
    }
  });
});
