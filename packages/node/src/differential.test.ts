import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Application, Environ } from "@gateway/core";
import { makeServer } from "@gateway/server";
import { listen } from "@gateway/testing/adapters";
import { errorsTo } from "@gateway/testing/conformance";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toNode } from "./to-node.ts";

// The raw requests that the tests of the server have.
const folder = new URL("../../server/cases/", import.meta.url);
const files = ["valid", "invalid"].flatMap((kind) =>
  readdirSync(new URL(kind, folder))
    .filter((name) => name.endsWith(".http"))
    .map((name) => `${kind}/${name}`),
);

/** All that does not differ from one connection to the next. */
function comparable(environ: Environ): Record<string, unknown> {
  const { SERVER_PORT, REMOTE_PORT, ...rest } = environ;
  const strings = Object.entries(rest).filter(([, value]) => ["string", "boolean"].includes(typeof value));
  return { ...Object.fromEntries(strings), ports: [typeof SERVER_PORT, typeof REMOTE_PORT], body: undefined };
}

/** An application that keeps what it was asked, in the order of the requests: `node:http` calls it for the next before it has answered one. */
class Recorder {
  readonly seen: Record<string, unknown>[] = [];
  readonly app: Application = async (environ, startResponse) => {
    const asked = comparable(environ);
    this.seen.push(asked);
    try {
      asked["body"] = Buffer.from(await environ["wsgi.input"].read()).toString("latin1");
      startResponse("204 No Content", []);
    } catch {
      startResponse("400 Bad Request", []);
    }
    return [];
  };

  /** Up to a request whose body was refused or cut short. */
  whole(): Record<string, unknown>[] {
    const end = this.seen.findIndex((asked) => asked["body"] === undefined);
    return end === -1 ? this.seen : this.seen.slice(0, end);
  }
}

/** Sends the bytes, closes its side, and waits for the end. */
async function send(port: number, bytes: Buffer): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  socket.resume();
  socket.end(bytes);
  await closed;
}

describe("toNode and the server", () => {
  const ours = new Recorder();
  const nodes = new Recorder();
  const ports: number[] = [];
  const closing: (() => Promise<void>)[] = [];
  const errors = errorsTo(() => {});

  beforeAll(async () => {
    const server = makeServer("127.0.0.1", 0, ours.app, { errors, shutdownSeconds: 1 });
    const address = await server.listen();
    void server.serveForever();
    const node = await listen(toNode(nodes.app, { errors }));
    ports.push(address.kind === "tcp" ? address.port : 0, node.connect.port);
    closing.push(
      () => server.shutdown(),
      () => node.close(),
    );
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });

  let both = 0;
  it.each(files)("give the same environ for what both take: %s", async (name) => {
    const bytes = readFileSync(new URL(name, folder));
    ours.seen.length = nodes.seen.length = 0;
    for (const port of ports) await send(port, bytes);
    // Where one of them refuses a request, it refuses the connection.
    const [expected, got] = [ours.whole(), nodes.whole()];
    const common = Math.min(expected.length, got.length);
    both += common;
    expect(got.slice(0, common)).toEqual(expected.slice(0, common));
  });

  it("both take most of what is valid", () => {
    expect(both).toBeGreaterThan(40);
  });
});
