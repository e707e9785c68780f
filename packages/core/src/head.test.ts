import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Header, HeaderList } from "./contract.ts";
import { checkHead, checkHints, dropContentLength, markSent, Seen } from "./head.ts";

describe("the status", () => {
  it.each([
    ["200 OK", 200],
    ["200", 200],
    ["200 ", 200],
    ["599 Own Reason", 599],
    ["404 Not\tFound", 404],
    ["200 D\u{e9}j\u{e0} vu", 200],
    ["200  OK ", 200],
  ])("may be %j", (status, code) => {
    expect(checkHead(status, [])).toMatchObject({ status, code });
    // Once more, when it is remembered.
    expect(checkHead(status, []).code).toBe(code);
  });

  it.each([
    "",
    " 200 OK",
    "200OK",
    "2000 OK",
    "20 OK",
    "20",
    "2e2 OK",
    "0x5 OK",
    "OK",
    "099 Low",
    "600 High",
    "999 High",
    "-20 OK",
    "200 OK\r\nX: y",
    "200 OK\n",
    "200 OK\r",
    "200\n",
    "200\tOK",
    "200 a\0",
    "200 a\u{7f}",
    "200 \u{1b}[31m",
    "200 \u{10a}",
    "200 \u{560a}",
    "200 \u{20ac}",
    "\u{662}00 OK",
    `200 ${"x".repeat(100)}\n`,
  ])("may not be %j", (status) => {
    for (let twice = 0; twice < 2; twice++)
      expect(() => checkHead(status, [])).toThrow(/^the status is three digits, a space and a reason, like "200 OK", not "/);
  });

  it.each(["100 Continue", "101 Switching Protocols", "103 Early Hints", "199"])("may not be the informational %j", (status) => {
    expect(() => checkHead(status, [])).toThrow("is no final status: for 103 there is earlyHints() of the exchange");
  });

  it.each([
    [200, "a number"],
    [undefined, "undefined"],
    [null, "null"],
    [["200 OK"], "an object of class Array"],
    [new String("200 OK"), "an object of class String"],
    [{ toString: () => "200 OK" }, "a plain object"],
  ])("is a string, not %j", (status, name) => {
    expect(() => checkHead(status as string, [])).toThrow(new TypeError(`the status is a string like "200 OK", not ${name}`));
  });

  it("of 204 and 304 has no body by its nature", () => {
    expect(["200", "204", "304", "205"].map((status) => checkHead(status, []).bodiless)).toEqual([false, true, true, false]);
  });

  it("is remembered for so many only, and checked all the same", () => {
    for (let i = 0; i < 3000; i++) expect(checkHead(`200 reason ${i}`, []).code).toBe(200);
    expect(() => checkHead("200 reason 2999\n", [])).toThrow(TypeError);
    expect(checkHead(`200 ${"x".repeat(1000)}`, []).code).toBe(200);
  });
});

describe("the headers", () => {
  const check = (...headers: unknown[]): unknown => checkHead("200 OK", headers as HeaderList);

  it.each([undefined, null, {}, "A: b", new Map([["A", "b"]]), [].values()])("are an array, not %j", (headers) => {
    expect(() => checkHead("200 OK", headers as HeaderList)).toThrow(
      /^response headers are an array of \[name, value\] pairs, not /,
    );
  });

  it.each([[[]], [["A"]], [["A", "b", "c"]], ["A: b"], ["Ab"], [{ 0: "A", 1: "b", length: 2 }], [null], [undefined]])(
    "are pairs, not %j",
    (pair) => {
      expect(() => check(["X", "y"], pair)).toThrow(/^a response header is a \[name, value\] pair, not /);
    },
  );

  it.each([undefined, null, 5, ["A"], Symbol("A"), new String("A")])("have names that are strings (%#)", (name) => {
    expect(() => check([name, "b"])).toThrow(/^the name of a response header is a string, not /);
  });

  it.each([undefined, null, 5, ["b"], new Date(0), new String("b"), 0, false])("have values that are strings (%#)", (value) => {
    expect(() => check(["X-Value", value])).toThrow(/^the value of response header X-Value is a string, not /);
  });

  it.each(["", " ", "A ", " A", "A:", "A b", "A\r\nB", "A\0", "A\n", "\u{e9}", "\u{212a}eep-Alive", "A\u{7f}", "(A)", "A/b"])(
    "have names that are tokens, not %j",
    (name) => {
      for (let twice = 0; twice < 2; twice++)
        expect(() => check([name, "b"])).toThrow(/^response header ".*" is not a header name: a token/s);
    },
  );

  it.each([
    ["a\rb", "U+000D at 1"],
    ["a\nb", "U+000A at 1"],
    ["a\r\n b", "U+000D at 1"],
    ["\0", "U+0000 at 0"],
    ["ab\u{7f}", "U+007F at 2"],
    ["\u{1b}[0m", "U+001B at 0"],
    ["\u{b}", "U+000B at 0"],
    ["\u{c}", "U+000C at 0"],
    ["a\u{10a}Set-Cookie: x", "U+010A at 1"],
    ["a\u{560a}b", "U+560A at 1"],
    ["a\u{d}", "U+000D at 1"],
    ["\u{2028}", "U+2028 at 0"],
    ["\u{1f600}", "U+D83D at 0"],
  ])("have values fit to be sent, not %j", (value, where) => {
    for (let twice = 0; twice < 2; twice++) expect(() => check(["X-Value", value])).toThrow(where);
  });

  it("do not show a value that is refused: it may be a secret", () => {
    expect(() => check(["Set-Cookie", "id=s3cr3t\n"])).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining("s3cr3t") }),
    );
  });

  it("may have any other value", () => {
    const values = ["", "a", "a\tb", " a ", "\u{80}\u{85}\u{a0}\u{ff}", '"\\', "x".repeat(10_000)];
    for (const value of values) expect(check(["X-Value", value])).toBeDefined();
    for (const value of values) expect(check(["X-Value", value])).toBeDefined();
  });

  it.each([
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Trailers",
    "Transfer-Encoding",
    "Upgrade",
  ])("may not be the hop-by-hop header %s, in any case", (name) => {
    for (const spelt of [name, name.toLowerCase(), name.toUpperCase(), name.toLowerCase()])
      expect(() => check([spelt, "x"])).toThrow(/hop-by-hop header, which only the server may send/);
  });

  it.each(["Status", "status", "STATUS"])("may not be %s", (name) => {
    expect(() => check([name, "200 OK"])).toThrow(
      "does not belong in a response: the status is the first argument of startResponse",
    );
  });

  it.each(["constructor", "__proto__", "toString", "hasOwnProperty"])("may be called %s", (name) => {
    expect(check([name, "x"])).toMatchObject({ seen: 0, length: -1 });
  });

  it("say which of those that gateways supply are there, in any case", () => {
    const seen = (name: string, value = "1"): number => checkHead("200 OK", [[name, value]]).seen;
    expect([seen("Date"), seen("date"), seen("SERVER"), seen("content-TYPE"), seen("Content-length"), seen("X")]).toEqual([
      Seen.date,
      Seen.date,
      Seen.server,
      Seen.type,
      Seen.length,
      0,
    ]);
    const all: HeaderList = [
      ["Date", "x"],
      ["Server", "x"],
      ["Content-Type", "x"],
      ["Content-Length", "12"],
    ];
    expect(checkHead("200 OK", all)).toMatchObject({ seen: 15, length: 12 });
  });

  it.each([
    ["0", 0],
    ["007", 7],
    ["9007199254740991", 9_007_199_254_740_991],
    ["0".repeat(400), 0],
  ])("may have the Content-Length %j", (value, length) => {
    expect(checkHead("200 OK", [["Content-Length", value]]).length).toBe(length);
  });

  it.each([
    "",
    " ",
    "-1",
    "+1",
    "1e3",
    "0x5",
    "1.0",
    "1,1",
    "1, 1",
    " 1",
    "1 ",
    "1_0",
    "NaN",
    "Infinity",
    "\u{b2}",
    "9007199254740992",
    "9007199254740993",
    "9".repeat(400),
  ])("may not have the Content-Length %j", (value) => {
    for (let twice = 0; twice < 2; twice++)
      expect(() => check(["Content-Length", value])).toThrow(
        /^response header Content-Length is a number of bytes in digits, not "/,
      );
  });

  it("may have no second Content-Length, also of the same value and in another case", () => {
    for (const second of ["5", "6"]) {
      expect(() => check(["Content-Length", "5"], ["content-length", second])).toThrow(
        "response header Content-Length is given twice",
      );
    }
  });

  it("are remembered by so many names only, and checked all the same", () => {
    for (let i = 0; i < 3000; i++) expect(check([`X-${i}`, "a"])).toBeDefined();
    expect(() => check(["X-2999", "\n"])).toThrow(TypeError);
    expect(() => check(["X-2999 ", "a"])).toThrow(TypeError);
    const long = `X-${"x".repeat(1000)}`;
    expect(() => check([long, "a"], [long, "\n"])).toThrow(TypeError);
  });

  it("are what was given: not copied, not changed", () => {
    const headers: HeaderList = Object.freeze([["A", "b"]] satisfies Header[]).slice();
    const head = checkHead("200 OK", headers);
    expect(head.headers).toBe(headers);
    expect(Object.keys(headers)).toEqual(["0"]);
    expect(headers).toEqual([["A", "b"]]);
  });

  it("pass exactly when a regular expression says so", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
        const isGood =
          /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) &&
          /^[\t\x20-\x7e\x80-\xff]*$/.test(value) &&
          !/^(?:te|status|upgrade|trailers?|content-length)$/i.test(name);
        let passed = true;
        try {
          check([name, value]);
        } catch {
          passed = false;
        }
        expect(passed).toBe(isGood);
      }),
    );
  });
});

describe("a list", () => {
  it("that was sent is refused, with the advice to make a fresh one", () => {
    const headers: HeaderList = [];
    checkHead("200 OK", headers);
    checkHead("200 OK", headers);
    markSent(headers);
    expect(() => checkHead("200 OK", headers)).toThrow(
      "was sent with an earlier response and belongs to the server: make a fresh one for each",
    );
    expect(checkHead("200 OK", [...headers]).code).toBe(200);
  });

  it("that is frozen, sealed or not extensible is refused", () => {
    for (const shut of [Object.freeze, Object.seal, Object.preventExtensions])
      expect(() => markSent(shut([]) as HeaderList)).toThrow("the list of response headers is frozen");
  });
});

describe("checkHints", () => {
  it("takes the same list again, and refuses what a head may not have", () => {
    const links: HeaderList = [["Link", "</a>"]];
    checkHints(links);
    expect(() => checkHints(links)).not.toThrow();
    expect(() => checkHints([["Link", "\n"]])).toThrow(TypeError);
    expect(() => checkHints(undefined as never)).toThrow("early hints are an array of [name, value] pairs, not undefined");
  });
});

describe("dropContentLength", () => {
  it("removes it, in any case, and nothing else", () => {
    const headers: HeaderList = [
      ["A", "b"],
      ["content-LENGTH", "5"],
      ["Date", "x"],
    ];
    const head = checkHead("204 No Content", headers);
    dropContentLength(head);
    dropContentLength(head);
    expect([head.headers, head.seen]).toEqual([
      [
        ["A", "b"],
        ["Date", "x"],
      ],
      Seen.date,
    ]);
  });
});
