import { readdirSync, readFileSync } from "node:fs";
import type { Application, Environ } from "@gateway/core";
import { gatewayConformance, httpTransport } from "@gateway/testing/conformance";
import { campaignTimeout, scaled } from "@gateway/testing/campaign";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emptyInput } from "@gateway/core/gateway";
import * as fc from "fast-check";
import { EnvironMaker } from "./environ.ts";
import { fastPaths } from "./fast-paths.ts";
import { defaultParserLimits } from "./limits.ts";
import { RequestParser } from "./parser.ts";
import { Refusal } from "@gateway/sockets";
import { makeServer } from "./server.ts";
import { count, echo, request, testServer } from "./test-client.ts";

const cases = new URL("../cases/", import.meta.url);

function allPaths(on: boolean): void {
  fastPaths.headerBlocks = on;
  fastPaths.oneString = on;
}

/** What a server answers, but for the time. */
async function answers(app: Application, raw: string | Uint8Array): Promise<string> {
  await using server = await testServer(app);
  return (await server.exchange(raw)).replaceAll(/^Date: .*$/gm, "Date").replaceAll(String(server.port), "PORT");
}

/** Tells all of its environ that is text. */
const tell: Application = async (environ, startResponse) => {
  await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  const lines = Object.entries(environ).filter(([key, value]) => typeof value === "string" && key !== "REMOTE_PORT");
  return [Buffer.from(`${JSON.stringify(lines.toSorted(([a], [b]) => (a < b ? -1 : 1)))}\n`)];
};

describe("with and without the fast paths", () => {
  afterAll(() => allPaths(true));

  const raws = ["valid", "invalid"].flatMap((kind) =>
    readdirSync(new URL(kind, cases))
      .filter((file) => file.endsWith(".http"))
      .map((file) => [`${kind}/${file}`, readFileSync(new URL(`${kind}/${file}`, cases))] as const),
  );

  it.each(raws)("the bytes are the same for %s, alone and behind others like it", async (_name, raw) => {
    const before = request("/first", "Accept: */*\r\nCookie: a=1\r\n");
    const again = `${request("/second?x", "Accept: */*\r\nCookie: a=1\r\n")}GET /third HTTP/1.0\r\n${before.slice(before.indexOf("Host"))}`;
    const twice = Buffer.concat([Buffer.from(before.repeat(4)), raw, raw]);
    for (const bytes of [raw, twice, Buffer.from(before.repeat(3) + again)]) {
      allPaths(true);
      const fast = await answers(tell, bytes);
      allPaths(false);
      expect(await answers(tell, bytes)).toBe(fast);
    }
  });

  it("an environ that an application changed is not seen by the next request", async () => {
    allPaths(true);
    const seen: Environ[] = [];
    const app: Application = (environ, startResponse) => {
      seen.push({ ...environ });
      for (const key of Object.keys(environ)) if (key.startsWith("HTTP_")) environ[key as "HTTP_X"] = "changed";
      environ.SCRIPT_NAME = "/changed";
      environ["example.key"] = "left behind";
      startResponse("200 OK", []);
      return [];
    };
    await using server = await testServer(app);
    await server.exchange([1, 2, 3, 4, 5].map((i) => request(`/${i}`, "X-A: b\r\n")).join(""));
    const expected = [1, 2, 3, 4, 5].map((i) => [`/${i}`, "", "b", undefined]);
    expect(seen.map((environ) => [environ.PATH_INFO, environ.SCRIPT_NAME, environ["HTTP_X_A"], environ["example.key"]])).toEqual(
      expected,
    );
  });

  it.each([
    ["one more header in front", "X-More: 1\r\nX-A: b\r\n"],
    ["one more header behind", "X-A: b\r\nX-More: 1\r\n"],
    ["a second Host", "X-A: b\r\nHost: other\r\n"],
    ["a length", "X-A: b\r\nContent-Length: 3\r\n"],
    ["another value of the same length", "X-A: c\r\n"],
  ])("%s is not taken for the block of before", async (_name, headers) => {
    allPaths(true);
    const before = [1, 2, 3, 4].map((i) => request(`/${i}`, "X-A: b\r\n")).join("");
    const text = await answers(tell, before + request("/5", headers, "abc"));
    allPaths(false);
    expect(await answers(tell, before + request("/5", headers, "abc"))).toBe(text);
    expect(count(text, "200 OK")).toBeGreaterThanOrEqual(4);
  });

  it("a bare carriage return in the request line is refused, also when the lines behind it are those of before", async () => {
    allPaths(true);
    const good = request("/1", "X-A: b\r\n");
    for (const line of ["GET /\r/2 HTTP/1.1", "GET /\n/2 HTTP/1.1", "GET /\0 HTTP/1.1", `GET /${"a".repeat(9000)} HTTP/1.1`]) {
      const text = await answers(echo, `${good.repeat(4)}${line}${good.slice(good.indexOf("\r\n"))}`);
      expect(text).toMatch(/HTTP\/1\.1 4(00|14) /);
    }
  });
});

/** What becomes of the requests of one connection, in the pieces they come in: each environ as text, and the refusal that ends it. */
function environs(pieces: readonly Buffer[], on: boolean): string[] {
  allPaths(on);
  const errors = { write: (): void => {}, writelines: (): void => {}, flush: (): void => {} };
  const maker = new EnvironMaker({
    serverName: "localhost",
    serverPort: "80",
    remoteAddress: "192.0.2.1",
    remotePort: "1",
    errors,
    tls: undefined,
  });
  const parser = new RequestParser(defaultParserLimits);
  const told: string[] = [];
  try {
    for (const piece of pieces) {
      parser.push(piece);
      for (let head = parser.head(); head !== undefined; head = parser.head()) {
        const entries = Object.entries(maker.make(head, emptyInput)).filter(([, value]) => typeof value === "string");
        const { contentLength, chunked, keepAlive, expectsContinue } = head;
        told.push(
          JSON.stringify([entries.toSorted(([a], [b]) => (a < b ? -1 : 1)), contentLength, chunked, keepAlive, expectsContinue]),
        );
        while (!parser.bodyEnded) if (parser.body() === undefined) break;
        if (!parser.bodyEnded) break;
      }
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    told.push(`${error.code} ${error.message}`);
  }
  return told;
}

describe("lines that a connection has sent before", () => {
  afterAll(() => allPaths(true));

  const usual = ["Host: a", "Accept: */*", "User-Agent: Browser/1.0 (of some length)", "Cookie: a=1", "Referer: http://a/1"];
  const other = [
    "Host: b",
    "Host:",
    "Accept: text/html",
    "Cookie: a=2",
    "Cookie: b=3; c=4",
    "Referer: http://a/2",
    "X_Dropped: 1",
    "Proxy: evil",
    "X-Empty:",
    "accept: */*",
    "Connection: close",
    "Connection: a , keep-alive",
    "Content-Length: 0",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
  ];
  const wrong = [
    "No colon",
    "Accept: */*\rXFoo: bar",
    "Cookie: a=1\r",
    "Bad name : 1",
    "X: a\rb",
    "X: a\nb",
    "X: \0",
    " folded",
    "Transfer-Encoding: gzip",
    "Expect: more",
    "X: \x7f",
  ];
  const line = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...usual) },
    { weight: 3, arbitrary: fc.constantFrom(...other) },
    { weight: 1, arbitrary: fc.constantFrom(...wrong) },
  );
  const start = fc.constantFrom(
    "GET / HTTP/1.1",
    "POST /a?b HTTP/1.1",
    "GET /c HTTP/1.0",
    "GET http://c/d HTTP/1.1",
    "GET /\x01 HTTP/1.1",
    "BAD",
  );
  /** Mostly the usual lines, with some of them changed, left out or added. */
  const lines = fc.oneof(
    { weight: 2, arbitrary: fc.constant(usual) },
    { weight: 3, arbitrary: fc.tuple(fc.nat(5), line).map(([at, changed]) => usual.toSpliced(at, 1, changed)) },
    { weight: 1, arbitrary: fc.tuple(fc.nat(5), line).map(([at, more]) => usual.toSpliced(at, 0, more)) },
    { weight: 1, arbitrary: fc.array(line, { maxLength: 6 }) },
  );
  const message = fc
    .tuple(fc.oneof({ weight: 6, arbitrary: fc.constant("GET / HTTP/1.1") }, { weight: 1, arbitrary: start }), lines)
    .map(([first, fields]) => [first, ...fields, "", ""].join("\r\n"));

  it("give what they gave before, and hide nothing that is wrong", { timeout: campaignTimeout }, () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(fc.array(message, { minLength: 3, maxLength: 9 }), fc.boolean(), (messages, together) => {
        const pieces = (together ? [messages.join("")] : messages).map((text) => Buffer.from(text, "latin1"));
        const expected = environs(pieces, false);
        expect(environs(pieces, true)).toEqual(expected);
        if (expected.length === messages.length) accepted++;
        else refused++;
      }),
      { numRuns: scaled(200_000) },
    );
    // Neither all in order nor all wrong: else nothing would have been proved.
    expect(Math.min(accepted, refused)).toBeGreaterThan(scaled(20_000) / 2);
  });
});

describe("without the fast paths", () => {
  beforeAll(() => allPaths(false));
  afterAll(() => allPaths(true));

  const slow = httpTransport({
    name: "HTTP over TCP, the long way",
    async listen(app, hooks) {
      const errors = {
        write: (text: string): void => hooks.errors(text),
        writelines: (lines: Iterable<string>): void => {
          for (const line of lines) hooks.errors(line);
        },
        flush: (): void => {},
      };
      const server = makeServer("127.0.0.1", 0, app, { errors, shutdownSeconds: 1 });
      const address = await server.listen();
      void server.serveForever();
      return { connect: { port: address.kind === "tcp" ? address.port : 0 }, close: () => server.shutdown() };
    },
  });
  gatewayConformance(slow, { describe, it });
});
