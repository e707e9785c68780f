import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { conditions, Worker, type Usage } from "./processes.ts";
import { median } from "./statistics.ts";

const connections = 10_000;
const kinds = ["gateway", "node:http"] as const;

/** Resident memory of a server for each of 10,000 connections that have been answered once and now wait. */
export async function idle(): Promise<void> {
  console.log(conditions());
  for (const kind of kinds) {
    const server = new Worker("./server-process.js", [kind], 0, ["--expose-gc"]);
    try {
      const { port } = await server.message<{ port: number }>();
      // The first thousand pay for what is made once: code, caches, the heap itself.
      const warm = await open(port, 1000);
      for (const socket of warm) socket.destroy();
      const before = await settled(server);
      const sockets = await open(port, connections);
      const after = await settled(server);
      console.log(
        `${kind.padEnd(10)} ${((after - before) / connections).toFixed(0)} bytes of resident memory for each of ${connections} idle connections`,
      );
      for (const socket of sockets) socket.destroy();
    } finally {
      server.stop();
    }
  }
}

/** Connections that have each been answered once; a few hundred at a time, so that the backlog can follow. */
async function open(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(250, count - sockets.length) }, () => connect(port, "127.0.0.1"));
    await Promise.all(
      batch.map(async (socket) => {
        socket.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        await once(socket, "data");
      }),
    );
    sockets.push(...batch);
  }
  return sockets;
}

/** Resident memory once it has stopped moving: the median of some looks, garbage collected before each. */
async function settled(server: Worker): Promise<number> {
  const looks: number[] = [];
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    looks.push((await server.ask<Usage>({ collect: true })).rssBytes);
  }
  return median(looks);
}
