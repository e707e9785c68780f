import { readdirSync, readFileSync } from "node:fs";

type Random = () => number;

const folder = new URL("../cases/valid/", import.meta.url);

/** Requests that are valid, as latin-1 strings: the cases that are small enough to be mutated in all places, and some more. */
const seeds: readonly string[] = [
  ...readdirSync(folder)
    .filter((file) => file.endsWith(".http"))
    .map((file) => readFileSync(new URL(file, folder), "latin1"))
    .filter((text) => text.length < 2000),
  ...["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"].flatMap((method) =>
    ["/", "/a/b?c=d&e", "http://example.test:8080/x", "/%41%2f;p=1"].flatMap((target) => [
      `${method} ${target} HTTP/1.1\r\nHost: example.test\r\nAccept: */*\r\nCookie: a=1; b=2\r\n\r\n`,
      `${method} ${target} HTTP/1.1\r\nHost: example.test\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n\r\nhello world`,
      `${method} ${target} HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6;c="d"\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n`,
    ]),
  ),
];

const tricky = [
  ...'\0\t\v\f\r\n :;,="\\/%#?@[]+-_.0x\x7f\x80\x85\xa0\xff'.split(""),
  "\r\n",
  "\r\n ",
  "\r\n\t",
  "\n\n",
  "\r\r\n",
  " \r\n",
  "%00",
  "0x",
];
const lines = [
  "Content-Length: 5",
  "Content-Length: 0",
  "Content-Length: +5",
  "Content-Length : 5",
  "Content-Length: 5, 5",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding: identity",
  "Transfer-Encoding: gzip, chunked",
  "Transfer-Encoding: \vchunked",
  "Transfer-Encoding:chunked ",
  "transfer-encoding: CHUNKED",
  "Host: other.test",
  "Host:",
  "Connection: close",
  "Connection: keep-alive, Upgrade",
  "Upgrade: websocket",
  "Expect: 100-continue",
  "X-Fold: a\r\n b",
  "X_Under: 1",
  "Proxy: evil",
  "__proto__: 1",
  "X: \xe9\xff",
  "X:",
  "X:\t v \t",
  ": nameless",
  "no colon",
];
const numbers = [
  "0",
  "1",
  "5",
  "6",
  "00",
  "05",
  "+5",
  "-1",
  "5 ",
  "0x5",
  "1e1",
  "F",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "18446744073709551616",
];
const versions = [
  "HTTP/1.0",
  "HTTP/1.1",
  "HTTP/1.2",
  "HTTP/1.9",
  "HTTP/2.0",
  "HTTP/0.9",
  "HTTP/1.10",
  "http/1.1",
  "HTTP/1,1",
  "HTTP/ 1.1",
  "HTTP/1.",
];

type Mutator = (text: string, random: Random) => string;

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

function pick(random: Random, from: readonly string[]): string {
  return from[below(random, from.length)] ?? "";
}

/** Replaces what stands between two places. */
function splice(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by + text.slice(to);
}

/** Drops, doubles or swaps one of the parts that the separator makes of it. */
function shuffleParts(separator: RegExp, joint: string): Mutator {
  return (text, random) => {
    const parts = text.split(separator);
    const at = below(random, parts.length);
    const part = parts[at] ?? "";
    switch (below(random, 3)) {
      case 0:
        parts.splice(at, 1);
        break;
      case 1:
        parts.splice(at, 0, part);
        break;
      default:
        parts.splice(at, 1, parts[at + 1] ?? "", part);
        parts.splice(at + 2, 1);
    }
    return parts.join(joint);
  };
}

/** Puts something else where one of the matches is. */
function replaceOne(pattern: RegExp, by: (random: Random, match: string) => string): Mutator {
  return (text, random) => {
    const matches = [...text.matchAll(pattern)];
    const match = matches[below(random, matches.length)];
    if (match === undefined) return text;
    return splice(text, match.index, match.index + match[0].length, by(random, match[0]));
  };
}

/** What leaves a request valid, mostly. */
const mild: readonly Mutator[] = [
  replaceOne(/\r\n(?!\r\n)/g, (random) => `\r\nX-${below(random, 100)}: ${below(random, 1000)}\r\n`),
  replaceOne(/: /g, (random) => pick(random, [":", ":  ", ":\t", ": \t "])),
  replaceOne(/[a-z]+/g, (_random, match) => match.toUpperCase()),
  replaceOne(/[A-Z]+/g, (_random, match) => match.toLowerCase()),
  replaceOne(/\/[a-z]*/g, (random) => pick(random, ["//", "/%7e", "/a.b", "/.", "/..", "/x?y", "/;z"])),
  (text, random) => text + pick(random, seeds),
  (text) => `\r\n${text}`,
];

const wild: readonly Mutator[] = [
  // Octets.
  (text, random) => splice(text, below(random, text.length), below(random, text.length), ""),
  (text, random) => {
    const at = below(random, text.length);
    return splice(text, at, at + 1, "");
  },
  (text, random) => {
    const at = below(random, text.length);
    return splice(text, at, at, text[at] ?? "");
  },
  (text, random) => {
    const at = below(random, text.length - 1);
    return splice(text, at, at + 2, (text[at + 1] ?? "") + (text[at] ?? ""));
  },
  (text, random) => {
    const at = below(random, text.length);
    return splice(text, at, at + 1, String.fromCharCode(below(random, 256)));
  },
  (text, random) => {
    const at = below(random, text.length);
    return splice(text, at, at + below(random, 2), pick(random, tricky));
  },
  // Tokens, lines, numbers.
  shuffleParts(/(?<=[ :;,=/])/, ""),
  shuffleParts(/(?<=\r\n)/, ""),
  shuffleParts(/(?<=\n)|(?=\r)/, ""),
  replaceOne(/[0-9A-Fa-f]+/g, (random) => pick(random, numbers)),
  replaceOne(/HTTP\/[0-9.]+/g, (random) => pick(random, versions)),
  replaceOne(/\r\n/g, (random) => pick(random, tricky)),
  replaceOne(/\r\n/g, (random) => `\r\n${pick(random, lines)}\r\n`),
  replaceOne(/ /g, (random) => pick(random, ["", "  ", "\t", "\v", "\xa0", "\r\n "])),
  // The whole.
  (text, random) => text.slice(0, below(random, text.length)),
  (text, random) => text + pick(random, tricky),
  (text, random) => pick(random, tricky) + text,
];

/** A valid request, after one to three changes that know what a request is made of. */
export function mutant(random: Random): string {
  let text = pick(random, seeds);
  for (let left = 1 + below(random, 3); left > 0; left--) {
    const kind = random() < 0.4 ? mild : wild;
    text = kind[below(random, kind.length)]?.(text, random) ?? text;
  }
  return text;
}
