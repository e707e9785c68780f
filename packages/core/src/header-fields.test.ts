import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HeaderList } from "./contract.ts";
import { checkHeaderValue, formatParameters, HeaderFields, isHopByHop, isToken } from "./header-fields.ts";

/** Names that look like `X-Key` and must not be taken for it: the Kelvin sign for K, another length, a control that differs in bit 5. */
const lookalikes = ["X-\u{212A}ey", "X-Key ", "\r-Key", "X\rKey"];

describe("isToken", () => {
  it.each(["a", "Content-Type", "!#$%&'*+-.^_`|~09azAZ"])("accepts %j", (text) => {
    expect(isToken(text)).toBe(true);
  });

  it.each(["", " ", "a b", "a:", "a\n", "\0", "\u{7f}", "ä", "\u{212A}", "(", '"', "a/b", "[", "\u{10061}"])(
    "refuses %j",
    (text) => {
      expect(isToken(text)).toBe(false);
    },
  );

  it("agrees with RFC 9110 on every code unit", () => {
    const units = Array.from({ length: 0x1_0000 }, (_, code) => String.fromCharCode(code));
    expect(units.filter((unit) => isToken(unit))).toEqual(units.filter((unit) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(unit)));
  });
});

describe("isHopByHop", () => {
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
  ])("knows %s in any case", (name) => {
    expect([name, name.toLowerCase(), name.toUpperCase()].map(isHopByHop)).toEqual([true, true, true]);
  });

  it.each(["", "Content-Length", "Connections", "constructor", "__proto__"])("does not take %j for one", (name) => {
    expect(isHopByHop(name)).toBe(false);
  });
});

describe("checkHeaderValue", () => {
  it("accepts latin-1, tabs included", () => {
    expect(() => checkHeaderValue("X", "")).not.toThrow();
    expect(() => checkHeaderValue("X", "a\tb \u{80}\u{FF}")).not.toThrow();
  });

  it("refuses all control characters but the tab, and all above U+00FF", () => {
    const refused = (code: number): boolean => {
      try {
        checkHeaderValue("X", `a${String.fromCharCode(code)}b`);
        return false;
      } catch (error) {
        return error instanceof TypeError;
      }
    };
    const codes = Array.from({ length: 0x300 }, (_, code) => code);
    expect(codes.filter(refused)).toEqual(codes.filter((code) => (code < 0x20 && code !== 9) || code === 0x7f || code > 0xff));
  });

  it("names the header, the code point and the place, and keeps the value to itself", () => {
    expect(() => checkHeaderValue("X-A", "token\r\nSet-Cookie: a=b")).toThrow(
      new TypeError("header X-A has a control character: U+000D at 5"),
    );
    expect(() => checkHeaderValue("X-A", "a\u{7F}")).toThrow(new TypeError("header X-A has a control character: U+007F at 1"));
    expect(() => checkHeaderValue("X-A", "€")).toThrow(
      new TypeError("header X-A has a character above U+00FF (percent-encode it, or see RFC 8187): U+20AC at 0"),
    );
  });
});

describe("formatParameters", () => {
  it.each([
    ["text/plain", { charset: "utf-8" }, "text/plain; charset=utf-8"],
    ["attachment", { filename: "a b.gif" }, 'attachment; filename="a b.gif"'],
    ["attachment", { filename: 'a"b\\c' }, String.raw`attachment; filename="a\"b\\c"`],
    ["attachment", { filename: "" }, 'attachment; filename=""'],
    ["attachment", { filename: "a\tb" }, 'attachment; filename="a\tb"'],
    ["a", { b: null }, "a; b"],
    ["a", { b: undefined }, "a"],
    ["a", { b: undefined, c: 1, d: null }, "a; c=1; d"],
    ["a", { max_age: 0, n: -1.5 }, "a; max-age=0; n=-1.5"],
    ["", { a: 1, b: 2 }, "a=1; b=2"],
    ["a", {}, "a"],
    ["attachment", { filename: "naïve.txt" }, "attachment; filename*=UTF-8''na%C3%AFve.txt"],
    ["attachment", { filename: "€ 'r'*(1)!.txt" }, "attachment; filename*=UTF-8''%E2%82%AC%20%27r%27%2A%281%29!.txt"],
    ["attachment", { filename: "a\u{D800}" }, "attachment; filename*=UTF-8''a%EF%BF%BD"],
    [
      "attachment",
      { filename: "naive 1.txt", "filename*": "naïve 1.txt" },
      "attachment; filename=\"naive 1.txt\"; filename*=UTF-8''na%C3%AFve%201.txt",
    ],
    ["attachment", { "filename*": "a b" }, "attachment; filename*=UTF-8''a%20b"],
  ])("formats %j with %j", (value, parameters, expected) => {
    expect(formatParameters(value, parameters)).toBe(expected);
  });

  it.each(["a\r\nb", "a\0", "a\u{7f}", "€\n"])("refuses the control character in the parameter value %j", (filename) => {
    expect(() => formatParameters("attachment", { filename })).toThrow(
      /^parameter filename has a control character: U\+00[0-9A-F]{2} at 1$/,
    );
  });

  it.each(["", "a b", "a=b", "ä", "a\n"])("refuses the parameter name %j", (name) => {
    expect(() => formatParameters("a", { [name]: "x" })).toThrow(/^a parameter name is a token/);
    expect(() => formatParameters("a", { [name]: null })).toThrow(TypeError);
  });

  it.each([NaN, Infinity, -Infinity])("refuses the number %d", (number) => {
    expect(() => formatParameters("a", { b: number })).toThrow("not a finite number");
  });

  it("refuses a value that may not be sent", () => {
    expect(() => formatParameters("a\n", {})).toThrow(TypeError);
    expect(() => formatParameters("€", {})).toThrow(TypeError);
  });

  it("gives parameter values that read back as they were", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const formatted = formatParameters("", { p: text });
        const extended = /^p\*=UTF-8''([\w!#$&+.^`|~%-]*)$/.exec(formatted);
        const quoted = /^p="((?:[^"\\]|\\["\\])*)"$/.exec(formatted);
        const token = /^p=([^" ]+)$/.exec(formatted);
        const read =
          extended === null ? (quoted?.[1]?.replaceAll(/\\(.)/g, "$1") ?? token?.[1]) : decodeURIComponent(extended[1] ?? "");
        expect(read).toBe(text);
      }),
    );
  });
});

describe("HeaderFields", () => {
  const sample = (): HeaderList => [
    ["Content-Type", "text/plain"],
    ["X-Key", "1"],
    ["Vary", "Accept"],
    ["x-key", "2"],
    ["X-KEY", "3"],
  ];

  it("works on the list it was given", () => {
    const list = sample();
    const fields = new HeaderFields(list);
    expect(fields.list).toBe(list);
    fields.append("A", "b");
    expect(list.at(-1)).toEqual(["A", "b"]);
    fields.delete("x-key");
    expect(list.map(([name]) => name)).toEqual(["Content-Type", "Vary", "A"]);
  });

  it("begins with an empty list of its own", () => {
    const fields = new HeaderFields();
    fields.append("A", "b");
    expect(fields.list).toEqual([["A", "b"]]);
    expect(new HeaderFields().size).toBe(0);
  });

  it("counts repeated headers too", () => {
    expect(new HeaderFields(sample()).size).toBe(5);
  });

  it("finds headers in any case", () => {
    const fields = new HeaderFields(sample());
    expect(fields.get("X-KEY")).toBe("1");
    expect(fields.getAll("x-KEY")).toEqual(["1", "2", "3"]);
    expect(fields.has("vARY")).toBe(true);
  });

  it("finds nothing where there is nothing", () => {
    const fields = new HeaderFields(sample());
    expect(fields.get("X")).toBeUndefined();
    expect(fields.getAll("X")).toEqual([]);
    expect(fields.has("X")).toBe(false);
    expect(fields.delete("X")).toBe(false);
    expect(fields.size).toBe(5);
  });

  it.each(lookalikes)("does not take X-Key for %j", (name) => {
    const fields = new HeaderFields(sample());
    expect(fields.has(name)).toBe(false);
    expect(new HeaderFields([[name, ""]]).has("X-Key")).toBe(false);
  });

  it("folds the case of letters only", () => {
    for (const [one, other] of ["^~", "`@", "|\\", "!\u{1}"].map((pair) => Array.from(pair))) {
      expect(new HeaderFields([[`a${one}`, ""]]).has(`A${other}`)).toBe(false);
      expect(new HeaderFields([[`a${one}`, ""]]).has(`A${one}`)).toBe(true);
    }
  });

  it("finds a header with an empty value", () => {
    const fields = new HeaderFields([["A", ""]]);
    expect(fields.get("a")).toBe("");
    expect(fields.has("a")).toBe(true);
    expect(fields.setDefault("a", "b")).toBe("");
  });

  it("sets in the place of the first, and removes the others", () => {
    const fields = new HeaderFields(sample());
    fields.set("x-KEY", "4");
    expect(fields.list).toEqual([
      ["Content-Type", "text/plain"],
      ["x-KEY", "4"],
      ["Vary", "Accept"],
    ]);
  });

  it("sets a new header at the end", () => {
    const fields = new HeaderFields(sample());
    fields.set("A", "b", { c: "d e" });
    expect(fields.list.at(-1)).toEqual(["A", 'b; c="d e"']);
    expect(fields.size).toBe(6);
  });

  it("appends with parameters", () => {
    const fields = new HeaderFields();
    fields.append("Content-Disposition", "attachment", { filename: "bud.gif" });
    expect(fields.list).toEqual([["Content-Disposition", "attachment; filename=bud.gif"]]);
  });

  it("deletes all of a name, and says so", () => {
    const fields = new HeaderFields(sample());
    expect(fields.delete("X-Key")).toBe(true);
    expect([...fields]).toEqual([
      ["Content-Type", "text/plain"],
      ["Vary", "Accept"],
    ]);
  });

  it("sets a default only where there is none", () => {
    const fields = new HeaderFields(sample());
    expect(fields.setDefault("vary", "Cookie")).toBe("Accept");
    expect(fields.setDefault("Age", "1")).toBe("1");
    expect(fields.size).toBe(6);
    expect(fields.get("age")).toBe("1");
  });

  it("never changes a pair", () => {
    const list = sample().map((header) => Object.freeze(header));
    const fields = new HeaderFields(list);
    fields.set("X-Key", "4");
    fields.delete("Vary");
    fields.append("X-Key", "5");
    expect(fields.getAll("X-Key")).toEqual(["4", "5"]);
  });

  it.each(["", "a b", "a:", "a\r\nb", "ä", "\u{212A}"])("refuses the name %j and leaves the list alone", (name) => {
    const fields = new HeaderFields(sample());
    expect(() => fields.set(name, "x")).toThrow(/^a header name is a token/);
    expect(() => fields.append(name, "x")).toThrow(TypeError);
    expect(() => fields.setDefault(name, "x")).toThrow(TypeError);
    expect(fields.list).toEqual(sample());
  });

  it.each(["a\r\nb", "a\nb", "\0", "€", "\u{7f}"])("refuses the value %j and leaves the list alone", (value) => {
    const fields = new HeaderFields(sample());
    expect(() => fields.set("X-Key", value)).toThrow(/^header X-Key has a c/);
    expect(() => fields.append("X-Key", value)).toThrow(TypeError);
    expect(() => fields.append("X-Key", value, {})).toThrow(TypeError);
    expect(() => fields.setDefault("A", value)).toThrow(TypeError);
    expect(fields.list).toEqual(sample());
  });

  it("escapes a bad name in the message", () => {
    expect(() => new HeaderFields().set("a\r\n\u{9B}", "x")).toThrow(String.raw`not "a\r\n\u009b"`);
  });

  it("writes what goes over the wire", () => {
    const list: HeaderList = [
      ["A", "b"],
      ["C", ""],
    ];
    expect(new HeaderFields(list).toString()).toBe("A: b\r\nC: \r\n\r\n");
    expect(new HeaderFields().toString()).toBe("\r\n");
  });

  it("does not write what would be another header", () => {
    expect(() => new HeaderFields([["A", "b\r\nC: d"]]).toString()).toThrow(TypeError);
    expect(() => new HeaderFields([["A: b\r\nC", "d"]]).toString()).toThrow(TypeError);
  });

  it("does what a simple list of pairs does, for any sequence of calls", () => {
    const name = fc.constantFrom("a", "A", "b", "B", "c");
    const step = fc.record({
      call: fc.constantFrom("set", "append", "delete", "setDefault"),
      name,
      value: fc.constantFrom("1", "2", ""),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const fields = new HeaderFields();
        let model: [string, string][] = [];
        const returned: unknown[] = [];
        const expected: unknown[] = [];
        for (const { call, name, value } of steps) {
          const same = (pair: [string, string]): boolean => pair[0].toLowerCase() === name.toLowerCase();
          if (call === "set") {
            fields.set(name, value);
            const first = model.findIndex(same);
            const others = model.map((pair, index) => (index === first ? ([name, value] as [string, string]) : pair));
            model = first === -1 ? [...model, [name, value]] : others.filter((pair, index) => index === first || !same(pair));
          } else if (call === "append") {
            fields.append(name, value);
            model.push([name, value]);
          } else if (call === "delete") {
            returned.push(fields.delete(name));
            expected.push(model.some(same));
            model = model.filter((pair) => !same(pair));
          } else {
            returned.push(fields.setDefault(name, value));
            expected.push(model.find(same)?.[1] ?? value);
            if (!model.some(same)) model.push([name, value]);
          }
          expect(fields.list).toEqual(model);
        }
        expect(returned).toEqual(expected);
      }),
    );
  });
});
