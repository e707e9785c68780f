import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Application } from "@gateway/core";
import { campaignTimeout, isLong, scaled } from "@gateway/testing/campaign";
import { afterEach, describe, expect, it, vi } from "vitest";
import { observedServer } from "./test-observed-server.ts";
import { echo, request, TestClient } from "./test-client.ts";

const mostSeconds = 12;

/** One way of keeping a server busy with next to nothing. */
interface Kind {
  name: string;
  begin: string;
  /** Done once a second. */
  drip(client: TestClient): void;
  reads: boolean;
  /** What it is told, where an answer is still possible. */
  answer: "HTTP/1.1 408 Request Timeout" | "";
}

const head = "GET / HTTP/1.1\r\nHost: test\r\nX: ";
const body = request("/", "Content-Length: 1000\r\n", "a", "POST");
const timedOut = "HTTP/1.1 408 Request Timeout";
const sendOne = (client: TestClient): void => void (client.socket.writable && client.send("a"));
const nothing = (): void => {};

const kinds: Kind[] = [
  { name: "head drip", begin: head, drip: sendOne, reads: true, answer: timedOut },
  { name: "head stall", begin: head, drip: nothing, reads: true, answer: timedOut },
  { name: "body drip", begin: body, drip: sendOne, reads: true, answer: timedOut },
  { name: "body stall", begin: body, drip: nothing, reads: true, answer: timedOut },
  { name: "slow reader", begin: request("/large"), drip: (client) => void client.socket.read(100), reads: false, answer: "" },
  { name: "silent", begin: "", drip: nothing, reads: true, answer: "" },
];

const large = Buffer.alloc(32 * 1024 * 1024);

const app: Application = (environ, startResponse) => {
  if (environ.PATH_INFO !== "/large") return echo(environ, startResponse);
  startResponse("200 OK", [["Content-Type", "application/octet-stream"]]);
  return [large];
};

interface Attacker {
  client: TestClient;
  /** The same connection, seen from the server. */
  served: Socket | undefined;
  begunAt: number;
  /** Seconds until it was cut. */
  lasted: number;
}

describe("slow clients", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** In a long run the clock is the real one. */
  async function aSecond(): Promise<void> {
    if (isLong) return new Promise((resolve) => setTimeout(resolve, 1000));
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(1000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  const attackers = scaled(500);

  it(
    `${attackers} of each of ${kinds.length} kinds at once are cut within ${mostSeconds} s, and honest requests are served meanwhile`,
    async () => {
      if (!isLong) vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
      await using server = await observedServer(app, { writeStallSeconds: 10 });
      const ask = async (target: string): Promise<string> => {
        const client = new TestClient(connect({ port: server.port, host: "127.0.0.1" }));
        client.send(request(target, "Connection: close\r\n"));
        return client.all();
      };
      const attack = async (kind: Kind): Promise<Attacker> => {
        const client = new TestClient(connect({ port: server.port, host: "127.0.0.1" }));
        if (!kind.reads) client.socket.pause();
        await once(client.socket, "connect");
        const attacker: Attacker = { client, served: undefined, begunAt: performance.now(), lasted: Infinity };
        const cut = (): void => void (attacker.lasted = Math.min(attacker.lasted, (performance.now() - attacker.begunAt) / 1000));
        // Who does not read does not see that it was cut either.
        if (kind.reads) client.socket.once("end", cut).once("close", cut);
        attacker.served = server.sockets.find((socket) => socket.remotePort === client.socket.localPort);
        attacker.served?.once("close", cut);
        if (kind.begin !== "") client.send(kind.begin);
        return attacker;
      };
      const crowds = new Map<Kind, Attacker[]>();
      for (const kind of kinds) {
        const crowd: Attacker[] = [];
        for (let i = 0; i < attackers; i++) crowd.push(await attack(kind));
        crowds.set(kind, crowd);
      }
      let honest = 0;
      for (let second = 0; second <= mostSeconds + 2; second++) {
        for (const [kind, crowd] of crowds) for (const { client } of crowd) kind.drip(client);
        const texts = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`/honest-${i}`)));
        for (const [i, text] of texts.entries()) expect(text).toContain(`GET /honest-${i}`);
        honest += texts.length;
        await aSecond();
      }
      for (const [kind, crowd] of crowds) {
        expect(crowd.filter((attacker) => attacker.served === undefined)).toEqual([]);
        const longest = Math.max(...crowd.map((attacker) => attacker.lasted));
        console.log(`${kind.name}: ${crowd.length} cut after at most ${longest.toFixed(1)} s`);
        expect.soft(longest, kind.name).toBeLessThanOrEqual(mostSeconds);
        const answers = new Set(crowd.map(({ client }) => client.received.split("\r\n")[0]));
        if (kind.reads) expect.soft([...answers], kind.name).toEqual([kind.answer]);
        for (const { client } of crowd) client.socket.destroy();
      }
      console.log(`${honest} honest requests served`);
    },
    campaignTimeout,
  );
});
