import { createServer, METHODS, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { campaignTimeout, scaled, seededRandom } from "@gateway/testing/campaign";
import { describe, expect, it } from "vitest";
import { defaultParserLimits } from "./limits.ts";
import { RequestParser } from "./parser.ts";
import { Refusal } from "@gateway/sockets";
import { mutant } from "./test-mutations.ts";

const mutants = scaled(200_000);
const seed = 20_261_121;

interface Request {
  method: string;
  target: string;
  path: string;
  query: string;
  minor: number;
  headers: [string, string][];
  chunked: boolean;
  keepAlive: boolean;
  targetHost: string | undefined;
  expectsContinue: boolean;
  body: string;
}

interface Result {
  /** Those that came whole. */
  requests: Request[];
  /** The status it was refused with; 0 when it was not. */
  refused: number;
  /** All was read, but for what follows `Connection: close`. */
  isComplete: boolean;
}

/** All that a parser makes of the pieces of a connection's bytes, up to a `Connection: close`. Throws when that takes too many steps. */
function parse(pieces: readonly Buffer[]): Result {
  const parser = new RequestParser(defaultParserLimits);
  const result: Result = { requests: [], refused: 0, isComplete: false };
  let current: Request | undefined;
  let steps = 0;
  const mostSteps = 100 + 4 * pieces.reduce((sum, piece) => sum + piece.length, 0);
  try {
    for (const piece of pieces) {
      parser.push(piece);
      for (;;) {
        if (++steps > mostSteps) throw new Error("the parser does not come to an end");
        if (current === undefined) {
          const head = parser.head();
          if (head === undefined) break;
          const { method, target, path, query, minor, chunked, keepAlive, targetHost, expectsContinue } = head;
          const headers = head.names.map((name, i): [string, string] => [name.key, head.values[i] ?? ""]);
          current = { method, target, path, query, minor, headers, chunked, keepAlive, targetHost, expectsContinue, body: "" };
        }
        if (!parser.bodyEnded) {
          const data = parser.body();
          if (data === undefined && !parser.bodyEnded) break;
          current.body += data?.toString("latin1") ?? "";
        }
        if (!parser.bodyEnded) continue;
        result.requests.push(current);
        if (!current.keepAlive) return { ...result, isComplete: true };
        current = undefined;
      }
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    result.refused = error.code;
    return result;
  }
  result.isComplete = current === undefined && parser.unread === 0;
  return result;
}

/** A request as it is written when nothing about it is left to taste. */
function serialise({ method, target, minor, headers, chunked, body }: Request): string {
  const lines = headers.map(([key, value]) => `${key.replace(/^HTTP_/, "").replaceAll("_", "-")}: ${value}\r\n`);
  const framed = chunked ? `${body === "" ? "" : `${body.length.toString(16)}\r\n${body}\r\n`}0\r\n\r\n` : body;
  return `${method} ${target} HTTP/1.${minor}\r\n${lines.join("")}\r\n${framed}`;
}

function split(raw: Buffer, random: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < raw.length;) {
    const end = at + 1 + Math.floor(random() ** 3 * raw.length);
    // Copies: a piece must not see what lies behind it.
    pieces.push(Buffer.from(raw.subarray(at, end)));
    at = end;
  }
  return pieces;
}

/** What `node:http` makes of the same bytes: the requests that came whole, or the code it refuses them with. */
interface Peer {
  requests: { method: string; target: string; body: string }[];
  code: string;
}

async function askNode(raw: Buffer, expected: number): Promise<Peer> {
  const peer: Peer = { requests: [], code: "" };
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const server = createServer((message: IncomingMessage, response) => {
    let body = "";
    message.setEncoding("latin1");
    message.on("error", () => {});
    message.on("data", (chunk: string) => (body += chunk));
    message.on("end", () => {
      peer.requests.push({ method: message.method ?? "", target: message.url ?? "", body });
      response.end();
    });
  });
  server.on("clientError", (error: NodeJS.ErrnoException) => (peer.code = error.code ?? error.message));
  socket.on("error", () => {});
  server.emit("connection", socket);
  socket.push(raw);
  for (let turn = 0; turn < 30 && peer.code === "" && peer.requests.length < expected; turn++)
    await new Promise((resolve) => setImmediate(resolve));
  if (peer.code === "" && peer.requests.length < expected) peer.code = "no answer";
  socket.destroy();
  return peer;
}

interface Allowed {
  /** Of the error; they differ between versions of Node. */
  codes: readonly string[];
  section: string;
  applies: (raw: string, requests: readonly Request[]) => boolean;
}

/** What `node:http` refuses and we accept, and what allows it. */
const allowed: Allowed[] = [
  {
    codes: ["HPE_INVALID_METHOD"],
    section: "RFC 9110 section 9.1: a method is any token, and its case matters",
    applies: (_raw, requests) => requests.some(({ method }) => !METHODS.includes(method)),
  },
  {
    codes: ["HPE_INVALID_VERSION"],
    section: "RFC 9110 section 2.5: a higher minor version is served as the highest one known",
    applies: (raw) => /HTTP\/1\.[2-9]\r\n/.test(raw),
  },
  {
    codes: ["HPE_INVALID_CHUNK_SIZE", "HPE_STRICT"],
    section: "RFC 9112 section 7.1.1: blanks may stand around the ; and = of a chunk extension",
    applies: (raw) => /[\t ][;=]|[;=][\t ]/.test(raw),
  },
  {
    codes: ["HPE_CLOSED_CONNECTION"],
    section: "RFC 9112 section 9.6: what follows Connection: close is not read; the request before it is answered",
    applies: (_raw, requests) => requests.at(-1)?.keepAlive === false,
  },
  {
    codes: ["HPE_INVALID_TRANSFER_ENCODING"],
    section: "RFC 9112 section 5: blanks around a value, tabs too, are no part of it",
    applies: (raw) => /transfer-encoding:(?! ?chunked\r)[\t ]*chunked[\t ]*\r\n/i.test(raw),
  },
  {
    codes: ["no answer"],
    section: "RFC 9110 section 7.8: an Upgrade may be ignored, and then the request is one like any other",
    applies: (_raw, requests) => requests.some(({ headers }) => headers.some(([key]) => key === "HTTP_UPGRADE")),
  },
];

describe("mutated requests", () => {
  it(
    `${mutants} of them: no throw, no hang, and none accepted that would mean something else when written again`,
    () => {
      const random = seededRandom(seed);
      const refusals = new Map<number, number>();
      let accepted = 0;
      let incomplete = 0;
      for (let i = 0; i < mutants; i++) {
        const raw = Buffer.from(mutant(random), "latin1");
        const result = parse([raw]);
        const inPieces = parse(split(raw, random));
        const isSame = JSON.stringify(inPieces) === JSON.stringify(result);
        if (!isSame) expect([i, raw.toString("latin1"), inPieces]).toEqual([i, raw.toString("latin1"), result]);
        const again = parse([Buffer.from(result.requests.map(serialise).join(""), "latin1")]);
        const means = JSON.stringify(again.requests) === JSON.stringify(result.requests);
        if (!means) expect([i, raw.toString("latin1"), again.requests]).toEqual([i, raw.toString("latin1"), result.requests]);
        if (result.refused !== 0) refusals.set(result.refused, (refusals.get(result.refused) ?? 0) + 1);
        else if (result.isComplete && result.requests.length > 0) accepted++;
        else incomplete++;
      }
      const percent = (100 * accepted) / mutants;
      const codes = [...refusals].map(([code, count]) => `${code}: ${count}`).join(", ");
      console.log(`${mutants} mutants: ${percent.toFixed(1)} % accepted, ${incomplete} incomplete, refused with ${codes}`);
      expect(percent).toBeGreaterThanOrEqual(5);
      expect(percent).toBeLessThanOrEqual(60);
    },
    campaignTimeout,
  );

  it(
    "accepted: node:http understands them as we do, or refuses them where an RFC lets us accept",
    async () => {
      const random = seededRandom(seed + 1);
      const seen = new Map<string, number>();
      const unlisted: unknown[] = [];
      let compared = 0;
      for (let i = 0; i < mutants / 4; i++) {
        const text = mutant(random);
        const raw = Buffer.from(text, "latin1");
        const { requests, refused, isComplete } = parse([raw]);
        if (refused !== 0 || !isComplete || requests.length === 0) continue;
        compared++;
        const peer = await askNode(raw, requests.length);
        if (peer.code === "") {
          const ours = requests.map(({ method, target, body }) => ({ method, target, body }));
          if (JSON.stringify(peer.requests) !== JSON.stringify(ours)) unlisted.push({ text, ours, theirs: peer.requests });
          continue;
        }
        const rule = allowed.find(({ codes, applies }) => codes.includes(peer.code) && applies(text, requests));
        if (rule === undefined) unlisted.push({ text, code: peer.code });
        else seen.set(`${peer.code} (${rule.section})`, (seen.get(`${peer.code} (${rule.section})`) ?? 0) + 1);
      }
      console.log(`${compared} accepted mutants compared with node:http; it refuses, and we accept:`, Object.fromEntries(seen));
      expect(unlisted.slice(0, 25)).toEqual([]);
    },
    campaignTimeout,
  );
});
