import * as fc from "fast-check";
import { campaignTimeout, cut, scaled, seededRandom } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { ClientError } from "./client-error.ts";
import { parseHead, ResponseHeadReader, type HeadRules, type ResponseHead } from "./response-head.ts";

const cgi: HeadRules = { statusLine: false, headBytes: 65_536, headerCount: 20 };
const http: HeadRules = { ...cgi, statusLine: true };

function read(pieces: readonly string[], rules = cgi): { head: ResponseHead; rest: string } | "incomplete" | "refused" {
  const reader = new ResponseHeadReader(rules);
  try {
    for (const [at, piece] of pieces.entries()) {
      const result = reader.push(Buffer.from(piece, "latin1"));
      if (result !== undefined) return { head: result.head, rest: result.rest.toString("latin1") + pieces.slice(at + 1).join("") };
    }
  } catch (error) {
    if (!(error instanceof ClientError) || error.code !== "MALFORMED") throw error;
    return "refused";
  }
  return "incomplete";
}

describe("ResponseHeadReader", () => {
  it.each(["\r\n", "\n"])("reads lines that end with %j, and leaves what follows them", (end) => {
    const text = ["Status: 404 Not Found", "X-A:b ", "X-A: \t c", "Set-Cookie: a=b; c", "X-Empty:", "", "body\n\nmore"].join(end);
    expect(read([text])).toEqual({
      head: {
        status: "404 Not Found",
        code: 404,
        headers: [
          ["X-A", "b"],
          ["X-A", "c"],
          ["Set-Cookie", "a=b; c"],
          ["X-Empty", ""],
        ],
        length: undefined,
      },
      rest: "body\n\nmore".replaceAll("\n", end === "\r\n" ? "\n" : end),
    });
  });

  it("reads the same however the bytes are split", () => {
    const line = fc.constantFrom("Status: 200 OK", "X: y", "Content-Length: 3", "Location: /a", "X", "", " X: y", "A: \r", "\r");
    const lines = fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n", "\r\r\n")), { maxLength: 8 });
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 20 })), fc.boolean(), (all, sizes, isHttp) => {
        const text = `${all.flat().join("")}\r\nrest`;
        const rules = isHttp ? http : cgi;
        expect(read(cut(text, sizes), rules)).toEqual(read([text], rules));
        expect(read(text.split(""), rules)).toEqual(read([text], rules));
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses a head that is too long, before it has come to its end", () => {
    const rules = { ...cgi, headBytes: 100 };
    expect(read([`Status: 200 OK\nX: ${"x".repeat(70)}\n\n`], rules)).not.toBe("refused");
    expect(read([`Status: 200 OK\nX: ${"x".repeat(90)}\n\n`], rules)).toBe("refused");
    expect(read(["x".repeat(101)], rules)).toBe("refused");
    expect(read(["Status: 200 OK\n\n", "x".repeat(200)], rules)).not.toBe("refused");
    expect(read([`Status: 200 OK\n\n${"x".repeat(200)}`], rules)).not.toBe("refused");
  });
});

describe("parseHead", () => {
  const parse = (text: string, rules = cgi): ResponseHead => parseHead(text.replaceAll("|", "\r\n"), rules);

  it.each([
    ["Content-Type: a/b||", "200 OK", 200],
    ["Location: http://a/||", "302 Found", 302],
    ["Location: /local||", "302 Found", 302],
    ["Location: /a|Status: 301 Moved Permanently||", "301 Moved Permanently", 301],
    ["status: 299||", "299", 299],
    ["Status: 299 ||", "299", 299],
    ["Status: 200 caf\xe9||", "200 caf\xe9", 200],
    ["Status: 200 OK|Status: 200 OK||", "200 OK", 200],
  ])("%j is %s", (text, status, code) => {
    expect(parse(text)).toMatchObject({ status, code });
  });

  it.each([
    ["X-A: b||"],
    ["||"],
    ["Status: 200 OK|Status: 404 Not Found||"],
    ["Location: /a|Location: /b||"],
    ["Content-Type: a/b|Content-Type: a/c||"],
    ["Status: 100 Continue||"],
    ["Status: 600||"],
    ["Status: OK||"],
    ["Status: 20||"],
    ["Status:||"],
    ["Status: 200 OK|X-A : b||"],
    ["Status: 200 OK|X A: b||"],
    ["Status: 200 OK|: b||"],
    ["Status: 200 OK|no colon||"],
    ["Status: 200 OK|X-A: b| c||"],
    ["Status: 200 OK|X-A: b|\tc||"],
    ["Status: 200 OK|X-A: b\rc||"],
    ["Status: 200 OK|X-A: b\0||"],
    ["Status: 200 OK|X-A: b\x7f||"],
    ["Status: 200 OK|Transfer-Encoding: chunked||"],
    ["Status: 200 OK|Content-Length: -1||"],
    ["Status: 200 OK|Content-Length: 1, 1||"],
    ["Status: 200 OK|Content-Length: 1|Content-Length: 2||"],
    ["HTTP/1.1 200 OK||"],
    [`Status: 200 OK|${"X: y|".repeat(20)}|`],
  ])("refuses %j", (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: "MALFORMED" }));
  });

  it("takes a status line where there may be one, and then no Status", () => {
    expect(parse("HTTP/1.0 201 Created|X: y|Status: 404 Not Found||", http)).toEqual({
      status: "201 Created",
      code: 201,
      headers: [["X", "y"]],
      length: undefined,
    });
    expect(parse("HTTP/1.1 299 ||", http).status).toBe("299");
    expect(parse("Status: 200 OK||", http).code).toBe(200);
    for (const text of ["HTTP/2 200 OK||", "HTTP/1.1||", "HTTP/1.1 100 Continue||", "HTTP/1.1  200 OK||".replace("  ", " x")])
      expect(() => parse(text, http)).toThrow(ClientError);
  });

  it("leaves out what belongs to the connection, and tells the length", () => {
    const head = parse("Status: 200 OK|Connection: close, X-Hop|Keep-Alive: 5|X-Hop: a|Upgrade: b|X-End: c|Content-Length: 12||");
    expect(head.headers).toEqual([
      ["X-End", "c"],
      ["Content-Length", "12"],
    ]);
    expect(head.length).toBe(12);
  });

  it("reads long runs of blanks in a time that grows with them", () => {
    expect(parse(`Status: 200 OK|X: a${" ".repeat(60_000)}b||`).headers[0]?.[1]).toHaveLength(60_002);
  });
});

const mutants = scaled(200_000);

describe("mutated heads", () => {
  it(
    `${mutants} of them: no throw but MALFORMED, and the same however they are split`,
    () => {
      const random = seededRandom(20_261_123);
      const below = (limit: number): number => Math.floor(random() * limit);
      const seeds = [
        "Status: 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello",
        "Content-Type: text/plain\nSet-Cookie: a=b\nSet-Cookie: c=d\n\nbody",
        "HTTP/1.1 302 Found\r\nLocation: /a\r\nConnection: close\r\n\r\n",
        "Location: http://example.test/\r\nStatus: 301 Moved\r\n\r\n",
      ];
      const tricky = [
        "\r\n",
        "\n",
        "\r",
        "\0",
        ":",
        " ",
        "\t",
        "\r\n ",
        "\x7f",
        "\xff",
        "Status: 404\r\n",
        "HTTP/1.1 ",
        "\n\n",
        "9",
      ];
      const counts = { accepted: 0, refused: 0, incomplete: 0 };
      for (let i = 0; i < mutants; i++) {
        let text = seeds[below(seeds.length)] ?? "";
        for (let left = 1 + below(3); left > 0; left--) {
          const at = below(text.length);
          const by = random() < 0.5 ? (tricky[below(tricky.length)] ?? "") : String.fromCharCode(below(256));
          text = text.slice(0, at) + (random() < 0.2 ? "" : by) + text.slice(at + below(3));
        }
        const whole = read([text], http);
        const pieces: string[] = [];
        for (let at = 0; at < text.length;) {
          const end = at + 1 + Math.floor(random() ** 3 * text.length);
          pieces.push(text.slice(at, end));
          at = end;
        }
        expect(JSON.stringify([i, text, read(pieces, http)])).toBe(JSON.stringify([i, text, whole]));
        counts[typeof whole === "string" ? whole : "accepted"]++;
      }
      const percent = (100 * counts.accepted) / mutants;
      console.log(
        `${mutants} mutants: ${percent.toFixed(1)} % accepted, ${counts.incomplete} incomplete, ${counts.refused} refused`,
      );
      expect(percent).toBeGreaterThanOrEqual(5);
      expect(percent).toBeLessThanOrEqual(60);
    },
    campaignTimeout,
  );
});
