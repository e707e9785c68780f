import { once } from "node:events";
import { connect, type Socket } from "node:net";
import zlib from "node:zlib";
import type { Application } from "@gateway/core";
import { makeServer, type GatewayServer } from "@gateway/server";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { availableCodings, methodsOf, type Coding } from "./codings.ts";
import { gzip } from "./gzip.ts";
import { eventually } from "@gateway/testing/campaign";
import { deferred, LiveCoders } from "./test-bodies.ts";

/** A client that decodes as it reads: what it has understood so far. */
class EventReader {
  readonly socket: Socket;
  events = "";
  #head = Buffer.alloc(0);
  #rest = Buffer.alloc(0);
  #isBody = false;
  readonly #decoder: ReturnType<ReturnType<typeof methodsOf>["createDecoder"]>;

  constructor(port: number, coding: Coding) {
    this.#decoder = methodsOf(coding).createDecoder();
    this.#decoder.on("data", (chunk: Buffer) => (this.events += chunk.toString()));
    this.#decoder.on("error", () => {});
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    this.socket.write(`GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: ${coding}\r\n\r\n`);
    this.socket.on("data", (chunk) => this.#received(chunk));
  }

  #received(chunk: Buffer): void {
    if (this.#isBody) this.#rest = Buffer.concat([this.#rest, chunk]);
    else {
      this.#head = Buffer.concat([this.#head, chunk]);
      const end = this.#head.indexOf("\r\n\r\n");
      if (end === -1) return;
      this.#isBody = true;
      this.#rest = this.#head.subarray(end + 4);
    }
    // RFC 9112, section 7.1: chunks, of which only whole ones are looked at.
    for (;;) {
      const line = this.#rest.indexOf("\r\n");
      const size = line === -1 ? Number.NaN : Number.parseInt(this.#rest.subarray(0, line).toString(), 16);
      if (!(size > 0) || this.#rest.length < line + 4 + size) return;
      this.#decoder.write(this.#rest.subarray(line + 2, line + 2 + size));
      this.#rest = this.#rest.subarray(line + 4 + size);
    }
  }

  /** Without a goodbye: to one who has said it a server may still send. */
  leave(): void {
    this.socket.resetAndDestroy();
    this.#decoder.destroy();
  }
}

async function serving(app: Application): Promise<{ server: GatewayServer; port: number }> {
  const server = makeServer("127.0.0.1", 0, app);
  const address = await server.listen();
  void server.serveForever();
  return { server, port: address.kind === "tcp" ? address.port : 0 };
}

const start = (startResponse: Parameters<Application>[1]): unknown =>
  startResponse("200 OK", [["Content-Type", "text/event-stream"]]);

describe("server-sent events", () => {
  it.each(availableCodings)("arrive through %s before the source goes on", async (coding) => {
    const gates = Array.from({ length: 20 }, () => deferred());
    let produced = 0;
    const app: Application = (_environ, startResponse) => {
      start(startResponse);
      async function* events(): AsyncGenerator<Uint8Array> {
        for (const gate of gates) {
          produced++;
          yield Buffer.from(`data: event ${produced}\n\n`);
          await gate.promise;
        }
      }
      return events();
    };
    const { server, port } = await serving(validator(gzip()(validator(app))));
    await using _ = server;
    const reader = new EventReader(port, coding);
    for (const [i, gate] of gates.entries()) {
      // Nothing but the event itself can bring it: the source waits, and no time passes that would flush.
      await eventually(() => reader.events.endsWith(`data: event ${i + 1}\n\n`));
      expect(produced).toBe(i + 1);
      gate.resolve();
    }
    reader.leave();
  });

  it.each(availableCodings)("arrive through %s as they are written with write()", async (coding) => {
    const gate = deferred();
    const written: Application = async (_environ, startResponse) => {
      const write = startResponse("200 OK", [["Content-Type", "text/event-stream"]]);
      await write(Buffer.from("data: one\n\n"));
      await gate.promise;
      return [];
    };
    const { server, port } = await serving(gzip()(written));
    await using _ = server;
    const reader = new EventReader(port, coding);
    await eventually(() => reader.events === "data: one\n\n");
    reader.leave();
    gate.resolve();
  });

  it.each(availableCodings)("that nobody reads any more free the coder of %s", async (coding) => {
    using coders = new LiveCoders();
    const closed = vi.fn<() => void>();
    const never = deferred();
    const app: Application = (_environ, startResponse) => {
      start(startResponse);
      async function* events(): AsyncGenerator<Uint8Array> {
        yield Buffer.from("data: one\n\n");
        await never.promise;
      }
      return Object.assign(events(), { close: closed });
    };
    const { server, port } = await serving(gzip()(app));
    await using _ = server;
    const readers = Array.from({ length: 20 }, () => new EventReader(port, coding));
    await eventually(() => readers.every(({ events }) => events !== ""));
    const decoders = readers.length;
    expect(coders.alive).toBe(2 * decoders);
    for (const reader of readers) reader.leave();
    await eventually(() => coders.alive === 0);
    expect([coders.closed, closed.mock.calls.length]).toEqual([2 * decoders, decoders]);
    never.resolve();
  });

  it("are told to the client in the order of its own time: the head comes with the first of them", async () => {
    const app: Application = (_environ, startResponse) => {
      start(startResponse);
      async function* events(): AsyncGenerator<Uint8Array> {
        yield Buffer.from("data: one\n\n");
      }
      return events();
    };
    const { server, port } = await serving(gzip()(app));
    await using _ = server;
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n");
    const parts: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => parts.push(chunk));
    await once(socket, "close");
    const whole = Buffer.concat(parts);
    expect(whole.toString("latin1")).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*Content-Encoding: gzip\r\n/);
    const at = whole.indexOf(Buffer.from([0x1f, 0x8b]));
    expect(zlib.gunzipSync(whole.subarray(at, whole.lastIndexOf("\r\n0\r\n"))).toString()).toBe("data: one\n\n");
  });
});
