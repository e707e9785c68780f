import { once } from "node:events";
import { connect } from "node:net";
import { conditions, Worker, type Usage } from "./processes.ts";

const mebibyte = 1024 * 1024;
const size = 256 * mebibyte;

/** By how much resident memory grows at most while 256 MiB pass: down to a client that reads slowly, and up to an application that does. */
export async function streams(): Promise<void> {
  console.log(conditions());
  for (const [name, way] of [
    ["download to a slow reader", download],
    ["upload to a slow application", upload],
  ] as const) {
    const server = new Worker("./server-process.js", ["gateway-streams"], 0, ["--expose-gc"]);
    try {
      const { port } = await server.message<{ port: number }>();
      // Once for the code to be there; a first whole pass for the heap to find its size (the runtime collects the buffers it reads
      // into only when some 32 MiB of them have gathered); then the pass that counts.
      await way(port, mebibyte, () => Promise.resolve());
      const first = await growth(server, way, port);
      const second = await growth(server, way, port);
      const figures = `${first.toFixed(1)} MiB in the first pass, ${second.toFixed(1)} MiB in the second`;
      console.log(`${name}: ${size / mebibyte} MiB, resident memory grew at most by ${figures}`);
    } finally {
      server.stop();
    }
  }
}

type Way = (port: number, bytes: number, look: () => Promise<void>) => Promise<number>;

/** By how many MiB the memory of the server exceeds, while all bytes pass, what it was before. */
async function growth(server: Worker, way: Way, port: number): Promise<number> {
  const before = (await server.ask<Usage>({ collect: true })).rssBytes;
  let most = before;
  const passed = await way(port, size, async () => {
    most = Math.max(most, (await server.ask<Usage>({})).rssBytes);
  });
  if (passed !== size) throw new Error(`${passed} bytes passed, not ${size}`);
  return (most - before) / mebibyte;
}

/** Reads in pieces of one MiB, with a pause behind each: some 100 MiB a second. */
async function download(port: number, bytes: number, look: () => Promise<void>): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(`GET /?${bytes} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  let received = 0;
  let sincePause = 0;
  let body = -1;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (body === -1) body = chunk.indexOf("\r\n\r\n") + 4;
    sincePause += chunk.length;
    if (sincePause < mebibyte) continue;
    sincePause = 0;
    await new Promise((resolve) => setTimeout(resolve, 10));
    await look();
  }
  return received - body;
}

/** Sends as fast as the server takes it; the application pauses behind each MiB. */
async function upload(port: number, bytes: number, look: () => Promise<void>): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  const answered = once(socket, "data");
  socket.write(`POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${bytes}\r\nConnection: close\r\n\r\n`);
  const piece = Buffer.alloc(256 * 1024, "x");
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (!socket.write(piece)) await once(socket, "drain");
    if (sent % mebibyte === 0) await look();
  }
  const [answer] = (await answered) as [Buffer];
  socket.destroy();
  return Number(/received (\d+)/.exec(answer.toString())?.[1]);
}
