import { ClientError } from "@gateway/sockets";
import { campaignTimeout, scaled, seededRandom } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { ResponseReader } from "./response-reader.ts";

const limits = { headBytes: 4096, headerCount: 20 };

/** All that a reader says of these bytes, in these pieces. */
function readIn(pieces: readonly Buffer[], isHead = false): string {
  const heard: string[] = [];
  let body = "";
  let isWhole = false;
  const reader = new ResponseReader(limits, isHead, {
    informed: ({ code }) => heard.push(`informed ${code}`),
    answered: ({ status, headers }) => heard.push(`${status} ${JSON.stringify(headers)}`),
    data: (chunk) => (body += chunk.toString("latin1")),
    whole: () => (isWhole = true),
  });
  let rest = "";
  try {
    for (const piece of pieces) rest += isWhole ? piece.toString("latin1") : reader.push(piece).toString("latin1");
    if (!isWhole) reader.ended();
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return `${heard.join("; ")} ${error.code}`;
  }
  return `${heard.join("; ")} body ${JSON.stringify(body)} rest ${JSON.stringify(rest)}`;
}

const responses = [
  "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyrest",
  "HTTP/1.1 200 OK\r\n\r\nuntil the end",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\nrest",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nbody\r\n0b\r\nhello world\r\n0\r\nX: y\r\n\r\nHTTP/1.1",
  "HTTP/1.0 404\r\nX-A: \t b \t\r\nContent-Length: 0\r\n\r\n",
];

describe("ResponseReader", () => {
  it("reads what there is", () => {
    expect(responses.map((text) => readIn([Buffer.from(text)]))).toEqual([
      '200 OK [["Content-Length","4"]] body "body" rest "rest"',
      '200 OK [] body "until the end" rest ""',
      'informed 100; informed 103; 204 No Content [] body "" rest "rest"',
      '200 OK [["Transfer-Encoding","chunked"]] body "bodyhello world" rest "HTTP/1.1"',
      '404 [["X-A","b"],["Content-Length","0"]] body "" rest ""',
    ]);
  });

  it(
    "says the same of mutated responses, whatever pieces they come in, and throws nothing but a ClientError",
    () => {
      const random = seededRandom(10);
      const below = (count: number): number => Math.floor(random() * count);
      const nasty = ["\r", "\n", "\0", " ", ":", "\r\n", "0", "\t", ",", "chunked", "\x7f", "é"];
      let refused = 0;
      for (let i = 0; i < scaled(50_000); i++) {
        let text = responses[below(responses.length)] ?? "";
        for (let n = below(3); n >= 0; n--) {
          const at = below(text.length);
          text = text.slice(0, at) + (nasty[below(nasty.length)] ?? "") + text.slice(at + below(3));
        }
        const bytes = Buffer.from(text, "latin1");
        const whole = readIn([bytes]);
        const pieces: Buffer[] = [];
        for (let at = 0; at < bytes.length;) {
          const end = at + 1 + below(6);
          pieces.push(bytes.subarray(at, end));
          at = end;
        }
        const inPieces = readIn(pieces);
        // What was good before the fault may have been told already.
        if (whole.endsWith("MALFORMED")) {
          refused++;
          expect(inPieces).toMatch(/MALFORMED$/);
        } else expect(inPieces).toBe(whole);
        // No control character gets through, wherever it stood.
        expect(whole.replace(/ body .*/s, "")).toMatch(/^[\t -~\x80-\xff]*$/);
      }
      console.log(`${scaled(50_000)} responses, ${refused} of them refused`);
      expect(refused).toBeGreaterThan(scaled(50_000) / 5);
    },
    campaignTimeout,
  );
});
