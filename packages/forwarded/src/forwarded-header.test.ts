import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseForwarded } from "./forwarded-header.ts";

const sender = (address: string, port?: string) => ({ address, port });

describe("parseForwarded", () => {
  it.each([
    // The examples of RFC 7239, section 4 to 7.
    ['for="_gazonk"', [{ sender: "_gazonk" }]],
    ['For="[2001:db8:cafe::17]:4711"', [{ sender: sender("2001:db8:cafe::17", "4711") }]],
    ["for=192.0.2.60;proto=http;by=203.0.113.43", [{ sender: sender("192.0.2.60"), proto: "http" }]],
    ["for=192.0.2.43, for=198.51.100.17", [{ sender: sender("192.0.2.43") }, { sender: sender("198.51.100.17") }]],
    [
      'for=192.0.2.43, for="[2001:db8:cafe::17]", for=unknown',
      [{ sender: sender("192.0.2.43") }, { sender: sender("2001:db8:cafe::17") }, { sender: "unknown" }],
    ],
    ["for=_hidden, for=_SEVKISEK", [{ sender: "_hidden" }, { sender: "_SEVKISEK" }]],
    // More of the grammar.
    ['for="192.0.2.1:_port"', [{ sender: sender("192.0.2.1") }]],
    ['for="_hidden:80"', [{ sender: "_hidden" }]],
    [String.raw`for="\1\92.0.2.1"`, [{ sender: sender("192.0.2.1") }]],
    ['proto=HTTPS;host="a.example:8080"', [{ proto: "https", host: { name: "a.example", port: "8080" } }]],
    [' , for=192.0.2.1 ,\t, proto="https",', [{ sender: sender("192.0.2.1") }, { proto: "https" }]],
    ['ext="a,b;c=\\"d";for=192.0.2.1', [{ sender: sender("192.0.2.1") }]],
  ])("reads %s", (value, elements) => {
    const plain = parseForwarded(value)?.map(({ sender, host, proto }) => ({ sender, host, proto }));
    expect(plain).toEqual(elements.map((element) => ({ sender: undefined, host: undefined, proto: undefined, ...element })));
  });

  it.each([
    "",
    ",",
    "for",
    "for=",
    "=a",
    "for=192.0.2.1;",
    ";for=192.0.2.1",
    "for=192.0.2.1; proto=http",
    "for =192.0.2.1",
    "for= 192.0.2.1",
    "for=192.0.2.1:80",
    "for=[2001:db8::1]",
    'for="2001:db8::1"',
    'for="192.0.2.1',
    'for="192.0.2.1\\',
    'for="192.0.2.1"x',
    'for=192.0.2.1"x"',
    "for=192.0.2.1 for=192.0.2.2",
    "for=192.0.2.1;for=192.0.2.2",
    "for=192.0.2.1;FOR=192.0.2.2",
    "for=a.example",
    'for="192.0.2.1:99999"',
    'for=""',
    "by=somebody",
    'host="a b"',
    'host="a/b"',
    'proto="1http"',
    "for=192.0.2.1, nonsense",
    "f(r=192.0.2.1",
    Array.from({ length: 101 }, () => "for=192.0.2.1").join(","),
  ])("takes nothing of %j", (value) => {
    expect(parseForwarded(value)).toBeUndefined();
  });

  it("says where each element begins", () => {
    const value = ' for=192.0.2.1;ext="a, b" ,  for=192.0.2.2';
    expect(parseForwarded(value)?.map(({ start }) => value.slice(start))).toEqual([
      'for=192.0.2.1;ext="a, b" ,  for=192.0.2.2',
      "for=192.0.2.2",
    ]);
  });

  it("reads back whatever is written as the RFC says", () => {
    const address = fc.oneof(
      fc.ipV4().map((text) => ({ node: text, isToken: true })),
      fc.ipV4().chain((text) => fc.integer({ min: 1, max: 65_535 }).map((port) => ({ node: `${text}:${port}`, isToken: false }))),
      fc.ipV6().map((text) => ({ node: `[${text}]`, isToken: false })),
      fc.constantFrom({ node: "unknown", isToken: true }, { node: "_x.y-z", isToken: true }),
    );
    const quote = (text: string, escapes: boolean): string => `"${escapes ? text.replaceAll(/./g, String.raw`\$&`) : text}"`;
    const element = fc.record({
      address,
      isQuoted: fc.boolean(),
      escapes: fc.boolean(),
      proto: fc.constantFrom("http", "https", undefined),
      note: fc.option(fc.stringMatching(/^[ -~]{0,8}$/)),
    });
    const space = fc.constantFrom("", " ", "\t ");
    fc.assert(
      fc.property(fc.array(fc.tuple(element, space, space), { minLength: 1, maxLength: 5 }), (list) => {
        const written = list.map(([{ address, isQuoted, escapes, proto, note }, before, after]) => {
          const parts = [`for=${address.isToken && !isQuoted ? address.node : quote(address.node, escapes)}`];
          if (proto !== undefined) parts.push(`proto=${proto}`);
          if (note !== null) parts.push(`note="${note.replaceAll(/["\\]/g, String.raw`\$&`)}"`);
          return before + parts.join(";") + after;
        });
        const parsed = parseForwarded(written.join(","));
        expect(parsed?.map(({ proto }) => proto)).toEqual(list.map(([{ proto }]) => proto));
        expect(
          parsed?.map(({ sender }) => (typeof sender === "string" ? sender : sender?.address.includes(":") ? "6" : "4")),
        ).toEqual(
          list.map(
            ([
              {
                address: { node },
              },
            ]) =>
              node === "unknown" || node.startsWith("_")
                ? node
                : node.startsWith("[") && !/^\[(?:0:){5}ffff:|^\[::ffff:/i.test(node)
                  ? "6"
                  : "4",
          ),
        );
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});
