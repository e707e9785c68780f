import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { isLong, seededRandom } from "@gateway/testing/campaign";
import { password } from "./test-guestbook.ts";
import { eventIds, GuestbookProcess, Visitor } from "./test-process.ts";

const seconds = isLong ? 60 : 3;
const honest = 6;
const hostile = 6;
const leastEntries = 20;
/** Of what the process holds, after a warm-up: what a garbage collector leaves lying about. */
const slackBytes = 48 * 1024 * 1024;

/** What a hostile client sends by hand, and what it is worth: a status, or a closed connection. */
const nonsense: readonly (readonly [bytes: string | Buffer, status: number])[] = [
  ["GET / HTTP/1.1\r\n\r\n", 400],
  ["GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400],
  ["GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  ["GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  ["POST /entries HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400],
  ["POST /entries HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413],
  [`GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
  [`GET / HTTP/1.1\r\nHost: x\r\nCookie: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ["GET /assets/..%2f..%2fpackage.json HTTP/1.1\r\nHost: x\r\n\r\n", 404],
  ["GET /assets/../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404],
  ["TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 405],
  ["GET / HTTP/1.1\r\nHost: x\r\nCookie: sid=AAAA; sid=BBBB; __Host-sid=x\r\n\r\n", 200],
  ["GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip;q=\r\nRange: bytes=1-\r\n\r\n", 200],
  ["GET /?older=1%27%20OR%201=1-- HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  ["GET /?older=%FF HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  ["GET /events?after=-1 HTTP/1.1\r\nHost: x\r\n\r\n", 400],
  [Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]), 400],
];

interface Tally {
  readonly statuses: Map<number, number>;
  readonly surprises: string[];
}

describe("the guestbook under a mixed load", () => {
  it(
    `answers honest and hostile clients for ${seconds} seconds without a 5xx, and loses no entry`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "gateway-guestbook-"));
      try {
        await using book = await GuestbookProcess.start({ GUESTBOOK_FOLDER: folder, TRUST_PROXY: "127.0.0.1" });
        const deadline = performance.now() + seconds * 1000;
        const written: string[] = [];
        // On a busy machine longer, until there is something to lose.
        const goesOn = (): boolean => performance.now() < deadline || written.length < leastEntries;
        const tally: Tally = { statuses: new Map(), surprises: [] };
        const note = (status: number, what: string): void => {
          tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
          if (status >= 500) tally.surprises.push(`${what}: ${status}`);
        };
        const stop = new AbortController();
        const seen = new Set<number>();
        const watchers = Array.from({ length: 5 }, async () => {
          try {
            for await (const id of eventIds(`${book.origin}/events?after=0`, stop.signal)) seen.add(id);
          } catch (error) {
            if (!stop.signal.aborted) tally.surprises.push(`a watcher was cut off: ${String(error)}`);
          }
        });
        const memory: number[] = [];
        const measuring = setInterval(() => memory.push(residentBytes(book.child.pid)), (seconds * 1000) / 40);

        const slow = Array.from({ length: 20 }, () => hangingConnection(book.origin));
        await Promise.all([
          ...Array.from({ length: honest }, (_, i) => honestClient(book.origin, i, goesOn, note, written)),
          ...Array.from({ length: hostile }, (_, i) => hostileClient(book.origin, i, goesOn, note, tally.surprises)),
        ]);
        clearInterval(measuring);
        for (const socket of slow) socket.destroy();

        // Each that was acknowledged is there, once.
        const texts: string[] = [];
        const ids = new Set<number>();
        for (let path: string | null = "/api/entries?limit=100"; path !== null;) {
          const page = (await (await fetch(book.origin + path)).json()) as Page;
          for (const { id, text } of page.entries) {
            texts.push(text);
            ids.add(id);
          }
          path = page.next;
        }
        expect(texts.toSorted()).toEqual(written.toSorted());
        // And everybody who watched was told of each.
        const last = Math.max(...ids);
        await expect.poll(() => seen.has(last), { timeout: 10_000 }).toBe(true);
        expect([...ids].filter((id) => !seen.has(id))).toEqual([]);
        stop.abort();
        await Promise.all(watchers);
        expect(tally.surprises).toEqual([]);
        expect(book.lines.filter((line) => !/^guestbook: |listening|refused 127\.0\.0\.1: 4\d\d/.test(line))).toEqual([]);
        if (isLong && memory.some((bytes) => bytes > 0)) {
          // The second quarter, when all is warm, against the last.
          const early = median(memory.slice(10, 20));
          const late = median(memory.slice(-10));
          console.log(
            `${[...tally.statuses].map(([status, count]) => `${status}: ${count}`).join(", ")}; ${written.length} entries; ` +
              `memory ${megabytes(early)} to ${megabytes(late)} MB`,
          );
          expect(late).toBeLessThan(early + slackBytes);
        }
        expect(await book.stop()).toBe(0);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    (seconds + 60) * 1000,
  );
});

interface Page {
  readonly entries: readonly { readonly id: number; readonly text: string }[];
  readonly next: string | null;
}

type Note = (status: number, what: string) => void;

/** Signs in, reads, pages, writes; from another address now and then, as many people would. */
async function honestClient(origin: string, index: number, goesOn: () => boolean, note: Note, written: string[]): Promise<void> {
  const random = seededRandom(index);
  for (let round = 0; goesOn(); round++) {
    const visitor = new Visitor({ "X-Forwarded-For": `198.51.${index}.${round % 250}`, "Accept-Encoding": "gzip, br" });
    const join = await visitor.post(`${origin}/join`, { name: `Guest ${index} ${round}`, password });
    note(join.status, "join");
    for (let i = 0; i < 25 && goesOn(); i++) {
      const page = await visitor.get(`${origin}/`);
      note(page.status, "page");
      const text = await page.text();
      const older = /href="(\/\?older=\d+)"/.exec(text)?.[1];
      if (older !== undefined && random() < 0.5) note((await read(visitor.get(origin + older))).status, "older");
      const style = /href="(\/assets\/[^"]+\.css)"/.exec(text)?.[1] ?? "";
      note((await read(visitor.get(origin + style))).status, "style");
      const entry = `entry ${index}.${round}.${i} <b>&amp;</b>`;
      const write = await visitor.post(`${origin}/entries`, { text: entry });
      note(write.status, "write");
      if (write.status === 303 && write.headers.get("Location") === "/") written.push(entry);
      note((await read(visitor.get(`${origin}/api/entries?limit=20`))).status, "api");
    }
    note((await visitor.post(`${origin}/sign-out`, {})).status, "sign-out");
  }
}

/** Forges, floods, guesses, breaks off. */
async function hostileClient(origin: string, index: number, goesOn: () => boolean, note: Note, surprises: string[]): Promise<void> {
  const random = seededRandom(1000 + index);
  const address = { "X-Forwarded-For": `203.0.113.${index}` };
  const form = { "Content-Type": "application/x-www-form-urlencoded", Origin: origin, ...address };
  const bomb = gzipSync(`text=${"x".repeat(5_000_000)}`);
  const attacks: readonly (() => Promise<void>)[] = [
    async () => {
      const [bytes, expected] = nonsense[Math.floor(random() * nonsense.length)] ?? ["", 0];
      const status = await rawStatus(origin, bytes);
      note(status, "nonsense");
      if (status !== expected) surprises.push(`${JSON.stringify(bytes.toString("latin1").slice(0, 80))} was answered ${status}`);
    },
    async () =>
      note((await new Visitor(address).post(`${origin}/sign-in`, { name: "Guest 0 0", password: `${random()}` })).status, "guess"),
    async () => {
      const headers = { ...form, Origin: "https://evil.example", Cookie: "sid=forged" };
      note((await read(fetch(`${origin}/entries`, { method: "POST", headers, body: "text=forged" }))).status, "forged");
    },
    async () => {
      const headers = { ...form, "Content-Encoding": "gzip" };
      note((await read(fetch(`${origin}/entries`, { method: "POST", headers, body: bomb }))).status, "bomb");
    },
    async () => {
      const headers = { ...form, "Content-Type": "application/json" };
      const body = "[".repeat(30_000);
      note((await read(fetch(`${origin}/api/entries`, { method: "POST", headers, body }))).status, "deep");
    },
    async () =>
      note((await read(fetch(`${origin}/entries`, { method: "POST", headers: form, body: "text=%ff&%" }))).status, "broken"),
    // Breaks off in the middle: of a body, and of an answer.
    async () => leave(origin, `POST /join HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Length: 500\r\n\r\nname=`),
    async () => leave(origin, "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /events HTTP/1.1\r\nHost: x\r\n\r\n"),
  ];
  while (goesOn()) await attacks[Math.floor(random() * attacks.length)]?.();
}

/** With its body, which nobody needs. */
async function read(answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  await response.arrayBuffer();
  return response;
}

function open(origin: string): ReturnType<typeof connect> {
  const socket = connect(Number(new URL(origin).port), "127.0.0.1");
  socket.on("error", () => {});
  return socket;
}

/** The status of the answer to bytes as they are; 0 where there is none. */
async function rawStatus(origin: string, bytes: string | Buffer): Promise<number> {
  const socket = open(origin);
  socket.write(bytes);
  const text = await new Promise<string>((resolve) => {
    socket.once("data", (chunk) => resolve(chunk.toString("latin1")));
    socket.once("close", () => resolve(""));
  });
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1] ?? 0);
}

async function leave(origin: string, bytes: string): Promise<void> {
  const socket = open(origin);
  const closed = once(socket, "close");
  socket.write(bytes, () => socket.destroy());
  await closed;
}

/** Never comes to the end of its request. */
function hangingConnection(origin: string): ReturnType<typeof connect> {
  const socket = open(origin);
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  return socket;
}

/** What a process holds of the machine's memory; 0 where the system does not tell. */
function residentBytes(pid: number | undefined): number {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return 0;
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(file, "utf8"))?.[1] ?? 0) * 1024;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
