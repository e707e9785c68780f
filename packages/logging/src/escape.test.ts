import { describe, expect, it } from "vitest";
import { escapeJson, escaper, oneLine } from "./escape.ts";

describe("escaper", () => {
  it("leaves printable ASCII as it is, but for quotes and backslashes", () => {
    const escape = escaper("latin1");
    expect(escape("GET /a?b=[c]~ {}'")).toBe("GET /a?b=[c]~ {}'");
    expect(escape(String.raw`say "hi" \o/`)).toBe(String.raw`say \"hi\" \\o/`);
  });

  it("writes every other byte as \\xhh", () => {
    const escape = escaper("latin1");
    for (let byte = 0; byte < 256; byte++) {
      if (byte >= 0x20 && byte < 0x7f) continue;
      expect(escape(`a${String.fromCharCode(byte)}b`)).toBe(`a\\x${byte.toString(16).padStart(2, "0")}b`);
    }
  });

  it("writes decoded text as the bytes of UTF-8, and so what no byte can be", () => {
    expect(escaper("utf8")("/caf\u{E9}/\u{20AC}\u{1F600}")).toBe(String.raw`/caf\xc3\xa9/\xe2\x82\xac\xf0\x9f\x98\x80`);
    expect(escaper("latin1")("caf\u{E9}")).toBe(String.raw`caf\xe9`);
    expect(escaper("latin1")("\u{10A}\u{20AC}")).toBe(String.raw`\xc4\x8a\xe2\x82\xac`);
    expect(escaper("utf8")("\u{D800}")).toBe(String.raw`\xef\xbf\xbd`);
  });

  it("writes what would end the field as \\xhh too", () => {
    expect(escaper("latin1", " |")("a b|c")).toBe(String.raw`a\x20b\x7cc`);
    expect(escaper("latin1", "]^-")("[a-b]^")).toBe(String.raw`[a\x2db\x5d\x5e`);
  });

  it("gives the same for the same text, also when other text came between", () => {
    const escape = escaper("latin1");
    const long = '"'.repeat(1000);
    for (const text of ['a"', 'a"', "b", 'a"', long, long, 'a"']) expect(escape(text)).toBe(text.replaceAll('"', '\\"'));
  });
});

describe("escapeJson", () => {
  it("writes what JSON reads back, in printable ASCII", () => {
    const text = Array.from({ length: 300 }, (_, code) => String.fromCharCode(code)).join("") + "\u{2028}\u{1F600}\u{D800}";
    const escaped = escapeJson(text);
    expect(escaped).toMatch(/^[ -~]*$/);
    expect(JSON.parse(`"${escaped}"`)).toBe(text);
  });
});

describe("oneLine", () => {
  it("keeps JSON what it is, and makes one line of anything", () => {
    expect(oneLine('{"a":"\\n"}')).toBe('{"a":"\\n"}');
    expect(oneLine("a\nb\u{1B}[31m\u{9B}\u{20AC}")).toBe(String.raw`a\u000ab\u001b[31m\u009b\u20ac`);
    expect(JSON.parse(oneLine('"\u{E9}\u{1F600}"'))).toBe("\u{E9}\u{1F600}");
  });
});
