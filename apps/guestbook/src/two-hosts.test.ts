import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  hasProgram,
  startPostgres,
  startProgram,
  startRedis,
  type RunningPostgres,
  type RunningRedis,
} from "@gateway/testing/programs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { password } from "./test-guestbook.ts";
import { canMakeHosts, Host } from "./test-hosts.ts";
import { Visitor } from "./test-process.ts";

const configuration = new URL("../deploy/haproxy/haproxy.cfg", import.meta.url);
/** Nobody but the test has the addresses, so no port of theirs is taken. */
const port = 8000;
const redisPort = 6379;
const postgresPort = 5432;

const visitors = 6;
/** How many requests each part of the story lasts. */
const enough = 150;

/** A request, as its sender saw it. */
interface Sent {
  readonly what: string;
  readonly beganAt: number;
  /** Which host has answered. */
  readonly host: string | null;
  readonly failure: string | undefined;
}

describe.skipIf(!canMakeHosts() || !["haproxy", "postgres", "redis-server"].every(hasProgram))("two hosts behind HAProxy", () => {
  let folder: string;
  let hosts: Host[];
  let postgres: RunningPostgres;
  let redis: RunningRedis;
  let front: { readonly origin: string; stop(): Promise<void> };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gateway-hosts-"));
    // PostgreSQL runs as another user, and reads a file in it.
    await chmod(folder, 0o755);
    hosts = [1, 2].map((number) => new Host(number));
    const here = hosts.map(({ gatewayAddress }) => gatewayAddress);
    const access = join(folder, "pg_hba.conf");
    await writeFile(access, "local all all trust\nhost all all 10.231.0.0/16 trust\n");
    postgres = await startPostgres({ settings: { listen_addresses: here.join(","), hba_file: access } });
    redis = await startRedis({ args: ["--port", String(redisPort), "--bind", ...here, "--protected-mode", "no"] });
    await Promise.all(hosts.map((host, i) => host.start(port, environmentOf(host, join(folder, String(i))))));
    front = await startFront(hosts);
  }, 90_000);
  afterAll(async () => {
    await front?.stop();
    for (const host of hosts ?? []) await host[Symbol.asyncDispose]();
    await Promise.all([postgres?.stop(), redis?.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  it("serve on while one of them is cut off and comes back", { timeout: 120_000 }, async () => {
    const [a] = hosts;
    if (a === undefined) throw new Error("there are two");
    const sent: Sent[] = [];
    const written: string[] = [];
    const stop = new AbortController();
    const load = Promise.all(Array.from({ length: visitors }, (_, i) => visit(front.origin, i, sent, written, stop.signal)));
    const answered = (host: string, since: number): number =>
      sent.filter((each) => each.host === host && each.beganAt >= since && each.failure === undefined).length;
    const untilAnswered = async (host: string, since: number, count = enough): Promise<void> => {
      await expect.poll(() => answered(host, since), { timeout: 30_000 }).toBeGreaterThan(count);
    };

    await untilAnswered("a", 0);
    await untilAnswered("b", 0);
    const cutAt = performance.now();
    a.cut();
    await untilAnswered("b", cutAt, 2 * enough);
    const healedAt = performance.now();
    a.heal();
    await untilAnswered("a", healedAt);
    stop.abort();
    await load;

    const failed = sent.filter(({ failure }) => failure !== undefined);
    console.log(
      `${sent.length} requests, ${written.length} entries; cut off for ${((healedAt - cutAt) / 1000).toFixed(1)} s; ${failed.length} failed, all of them under way on the host that was cut off`,
    );
    // What was under way on it is lost. Each visitor has one request at a time.
    expect(failed.filter(({ beganAt }) => beganAt > cutAt)).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(visitors);
    const texts = await allEntries(front.origin);
    expect(written.filter((text) => texts.filter((each) => each === text).length !== 1)).toEqual([]);
  });

  it("stop as they should", async () => {
    expect(await Promise.all(hosts.map((host) => host.stop()))).toEqual([0, 0]);
  });
});

function environmentOf(host: Host, folder: string): Record<string, string> {
  return {
    DATABASE_URL: `postgres://postgres@${host.gatewayAddress}:${postgresPort}/postgres`,
    REDIS_URL: `redis://${host.gatewayAddress}:${redisPort}`,
    SECRET: "the same secret for both of the hosts",
    // HAProxy, and the visitors of this test, who say where they come from.
    TRUST_PROXY: `${host.gatewayAddress},127.0.0.1`,
    GUESTBOOK_FOLDER: folder,
  };
}

/** HAProxy, with the very file that is there to be copied. */
async function startFront(hosts: readonly Host[]): Promise<{ origin: string; stop(): Promise<void> }> {
  const frontPort = await freePort();
  const [a = "", b = ""] = hosts.map(({ address }) => `${address}:${port}`);
  const text = (await readFile(configuration, "utf8"))
    .replace("@ADDRESS@", `127.0.0.1:${frontPort}`)
    .replace("@A@", a)
    .replace("@B@", b);
  const program = await startProgram({
    program: "haproxy",
    prepare: ({ folder }) => writeFile(join(folder, "haproxy.cfg"), text),
    args: ({ folder }) => ["-db", "-f", join(folder, "haproxy.cfg")],
    ready: () => ({ port: frontPort }),
  });
  return { origin: `http://127.0.0.1:${frontPort}`, stop: () => program.stop() };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: free } = server.address() as AddressInfo;
  await once(server.close(), "close");
  return free;
}

/** Signs in once, and then reads and writes: a session that is lost shows. */
async function visit(origin: string, index: number, sent: Sent[], written: string[], stop: AbortSignal): Promise<void> {
  const name = `Guest ${index}`;
  const send = async (what: string, request: () => Promise<Response>, check: (answer: Response, text: string) => boolean) => {
    const beganAt = performance.now();
    let host: string | null = null;
    let failure: string | undefined;
    try {
      const answer = await request();
      const text = await answer.text();
      host = answer.headers.get("X-Host");
      if (!check(answer, text)) failure = `${answer.status} ${text.slice(0, 200)}`;
    } catch (error) {
      failure = String(error);
    }
    sent.push({ what, beganAt, host, failure });
    return failure === undefined;
  };
  const visitor = new Visitor({ "X-Forwarded-For": `198.51.${index}.0` });
  await send(
    "join",
    () => visitor.post(`${origin}/join`, { name, password }),
    ({ status }) => status === 303,
  );
  for (let round = 0; !stop.aborted; round++) {
    // The limit on writing is for each address.
    visitor.moveTo(`198.51.${index}.${round % 250}`);
    await send(
      "page",
      () => visitor.get(`${origin}/`),
      ({ status }, text) => status === 200 && text.includes("Sign out") && text.includes(name),
    );
    const text = `entry ${index}.${round}`;
    const isWritten = await send(
      "write",
      () => visitor.post(`${origin}/entries`, { text }),
      ({ status, headers }) => status === 303 && headers.get("Location") === "/",
    );
    if (isWritten) written.push(text);
    await send(
      "api",
      () => visitor.get(`${origin}/api/entries?limit=5`),
      ({ status }) => status === 200,
    );
  }
}

async function allEntries(origin: string): Promise<string[]> {
  const texts: string[] = [];
  for (let path: string | null = "/api/entries?limit=100"; path !== null;) {
    const page = (await (await fetch(origin + path)).json()) as { entries: { text: string }[]; next: string | null };
    texts.push(...page.entries.map(({ text }) => text));
    path = page.next;
  }
  return texts;
}
