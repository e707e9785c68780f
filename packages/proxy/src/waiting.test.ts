import { connect, type Socket } from "node:net";
import { client } from "@gateway/testing";
import { eventually, turns } from "@gateway/testing/campaign";
import { validator } from "@gateway/validate";
import { describe, expect, it, vi } from "vitest";
import { httpApp } from "./http-app.ts";
import { backEnd, fakeClock, head, ok } from "./test-http-app.ts";

describe("httpApp between two that wait for each other", () => {
  it("waits with a body until the back end asks for it, where the client waits too", async () => {
    const { url, received } = await backEnd((socket, count) => {
      if (count === 0) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
      else socket.end("HTTP/1.1 413 Too Large\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    });
    const ask = async (): Promise<{ text: () => string; socket: Socket }> => {
      const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
      let text = "";
      socket.on("data", (chunk) => (text += chunk.toString("latin1")));
      socket.write("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
      return { text: () => text, socket };
    };
    const first = await ask();
    await eventually(() => first.text().includes("100 Continue"));
    expect(received()).toContain("Expect: 100-continue\r\n");
    first.socket.write("data");
    await eventually(() => received().endsWith("\r\n\r\ndata"));
    first.socket.destroy();
    const second = await ask();
    await eventually(() => second.text().endsWith("no"));
    // It is told without having sent the body.
    expect(second.text()).toMatch(/^HTTP\/1\.1 413 /);
    second.socket.destroy();
  });

  it("sends a body that nobody asks for after continueSeconds", async () => {
    fakeClock();
    const { url, received } = await backEnd(() => {}, { continueSeconds: 2 });
    const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
    socket.write("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\ndata");
    await eventually(() => received().endsWith("\r\n\r\n"));
    await turns();
    expect(received()).not.toContain("\r\n\r\ndata");
    vi.advanceTimersByTime(3000);
    await eventually(() => received().endsWith("\r\n\r\ndata"));
    socket.destroy();
  });

  it("makes the back end wait for a client that does not read, and the client for a back end that does not", async () => {
    let written = 0;
    const { url } = await backEnd((socket) => {
      socket.pause();
      socket.write(`${head}\r\n`);
      const more = (): void => {
        while (written < 200_000_000 && socket.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
        written += 64 * 1024;
      };
      socket.on("drain", more);
      more();
    });
    // It reads nothing, and writes as long as there is room.
    const socket = connect(Number(url.split(":")[2]), "127.0.0.1").pause();
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n");
    let pulled = 0;
    const send = (): void => {
      while (pulled < 3000 && socket.write(Buffer.alloc(64 * 1024))) pulled++;
      pulled++;
    };
    socket.on("drain", send);
    send();
    const state = (): string => `${pulled},${written}`;
    await eventually(() => written > 0);
    let before = "";
    while (before !== state()) {
      before = state();
      await turns(300);
    }
    expect(pulled).toBeLessThan(600);
    expect(written).toBeLessThan(40 * 1024 * 1024);
    socket.destroy();
  });

  it("leaves the back end when the client leaves, before the head and after", async () => {
    const { url, sockets } = await backEnd((socket, count) => {
      if (count === 1) socket.write(`${head}\r\nbegun`);
    });
    // A client that only ends its side may still wait for the answer.
    const ask = (): Socket => {
      const socket = connect(Number(url.split(":")[2]), "127.0.0.1");
      socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      return socket;
    };
    const first = ask();
    await eventually(() => (sockets[0]?.bytesRead ?? 0) > 0);
    first.resetAndDestroy();
    await eventually(() => sockets[0]?.closed === true);
    const second = ask();
    await new Promise((resolve) => second.once("data", resolve));
    second.resetAndDestroy();
    await eventually(() => sockets[1]?.closed === true);
  });

  it("answers 504 to a back end that does nothing, and to one that drips its head", async () => {
    fakeClock();
    const silent = await backEnd(() => {}, { idleSeconds: 5 });
    const asked = fetch(silent.url);
    await eventually(() => silent.received() !== "");
    vi.advanceTimersByTime(6000);
    expect((await asked).status).toBe(504);
    const drip = await backEnd((socket) => void socket.write("H"), { idleSeconds: 5, answerSeconds: 8 });
    const dripped = fetch(drip.url);
    await eventually(() => drip.received() !== "");
    for (const letter of "TTP/1.1 20") {
      await turns();
      vi.advanceTimersByTime(1000);
      drip.sockets[0]?.write(letter);
      await turns();
    }
    expect((await dripped).status).toBe(504);
    await eventually(() => drip.sockets[0]?.closed === true);
  });

  it("breaks off a response that stops coming, and not one that waits for its reader", async () => {
    fakeClock();
    const { url, sockets } = await backEnd(`${head}Content-Length: 8\r\n\r\nbody`, { idleSeconds: 5 });
    const response = await fetch(url);
    await turns(10);
    vi.advanceTimersByTime(6000);
    await expect(response.text()).rejects.toThrow("terminated");
    await eventually(() => sockets[0]?.closed === true);
  });

  it("answers 504 where no connection is made in time", async () => {
    fakeClock();
    const { origin } = await backEnd(ok);
    const response = client(validator(httpApp({ origin, connectSeconds: 3 }))).get("/", { errors: "expected" });
    // Before the loop has turned, and so before the connection can be there.
    for (let i = 0; i < 20; i++) await Promise.resolve();
    vi.advanceTimersByTime(4000);
    expect((await response).status).toBe(504);
  });
});
