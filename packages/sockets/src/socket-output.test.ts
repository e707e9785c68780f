import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { SocketInput } from "./socket-input.ts";
import { SocketOutput } from "./socket-output.ts";

/** As much of a socket as these two need, which takes so many bytes and then is full. */
class Room extends EventEmitter {
  writableLength = 0;
  isHeldBack = false;
  destroyed = false;
  written = "";
  readonly unshifted: Buffer[] = [];
  readonly #told: ((error?: Error) => void)[] = [];

  get writableNeedDrain(): boolean {
    return this.writableLength > 0 && !this.destroyed;
  }

  write(piece: string | Uint8Array, told?: ((error?: Error) => void) | string): boolean {
    const text = typeof piece === "string" ? piece : Buffer.from(piece).toString("latin1");
    this.written += text;
    this.writableLength += text.length;
    if (typeof told === "function") this.#told.push(told);
    return false;
  }

  takeAll(): void {
    this.writableLength = 0;
    this.emit("drain");
    this.writableLength = 0;
    for (const told of this.#told.splice(0)) told();
  }

  /** As Node.js does it: those that wait for a write are told at once, and "close" comes a phase of the loop later. */
  destroy(): this {
    this.destroyed = true;
    this.writableLength = 0;
    for (const told of this.#told.splice(0)) told(new Error("ERR_STREAM_DESTROYED"));
    return this;
  }

  cork(): void {}
  uncork(): void {}
  pause(): void {
    this.isHeldBack = true;
  }
  resume(): void {
    this.isHeldBack = false;
  }
  isPaused(): boolean {
    return this.isHeldBack;
  }
  unshift(chunk: Buffer): void {
    this.unshifted.push(chunk);
  }
}

function room(): Room & Socket {
  return new Room() as Room & Socket;
}

describe("SocketOutput", () => {
  it("keeps the order, and waits for the socket when it is full", async () => {
    const socket = room();
    const output = new SocketOutput(socket, { now: 5 });
    output.sendChunk("a", Buffer.from("b"), "c", 10);
    output.sendChunk("d", Buffer.alloc(200_000, "x"), "e", 10);
    output.send("f");
    expect(socket.written.startsWith("abcdxxx")).toBe(true);
    expect(output.isFull).toBe(true);
    expect(socket.written.length).toBeLessThan(200_000);
    let hasRoom = false;
    const waiting = output.whenRoom().then(() => {
      hasRoom = true;
    });
    expect(output.stalledFor(8)).toBe(3);
    for (let i = 0; i < 5; i++) socket.takeAll();
    await waiting;
    expect(hasRoom).toBe(true);
    expect(socket.written).toBe(`abcd${"x".repeat(200_000)}ef`);
    expect(output.stalledFor(9)).toBe(0);
  });

  it("says when all is with the system, once", () => {
    const socket = room();
    const output = new SocketOutput(socket, { now: 0 });
    output.send("a");
    expect(output.isHandedOver).toBe(false);
    expect(output.unsentBytes).toBe(1);
    let told = 0;
    output.whenHandedOver(() => told++);
    socket.takeAll();
    socket.takeAll();
    expect(told).toBe(1);
    expect(output.isHandedOver).toBe(true);
  });

  it("lets other connections have their turn after 256 KiB, however much the system takes", async () => {
    const socket = room();
    const output = new SocketOutput(socket, { now: 0 });
    output.sendChunk("", Buffer.alloc(1_000_000, "x"), "", 10);
    for (let i = 0; i < 100; i++) socket.takeAll();
    const inOneTurn = socket.written.length;
    expect(inOneTurn).toBeGreaterThanOrEqual(256 * 1024);
    expect(inOneTurn).toBeLessThan(400_000);
    while (socket.written.length < 1_000_000) {
      await new Promise((resolve) => setImmediate(resolve));
      socket.takeAll();
    }
    expect(socket.written).toBe("x".repeat(1_000_000));
  });

  it("lets go of who waits when the socket closes", async () => {
    const socket = room();
    const output = new SocketOutput(socket, { now: 0 });
    output.send("a");
    let told = 0;
    output.whenHandedOver(() => told++);
    const waiting = output.whenRoom();
    output.closed();
    await waiting;
    expect(told).toBe(1);
  });
});

describe("SocketOutput on a socket that is destroyed", () => {
  it("lets nobody go on who waits for room, until it is told that the socket has closed", async () => {
    const socket = room();
    const output = new SocketOutput(socket, { now: 0 });
    output.sendChunk("", Buffer.alloc(100, "a"), "", 10);
    let hasRoom = false;
    const waiting = output.whenRoom().then(() => (hasRoom = true));
    // The socket has room, and for less than all: what is written now is asked for.
    socket.emit("drain");
    socket.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasRoom).toBe(false);
    output.closed();
    await waiting;
    expect(hasRoom).toBe(true);
  });

  it("is full until then, and writes nothing: who never has to wait would keep the loop from closing it", async () => {
    const socket = room();
    const output = new SocketOutput(socket, { now: 0 });
    socket.destroy();
    output.send("a");
    output.sendChunk("b", Buffer.alloc(200_000), "c", 10);
    expect(socket.written).toBe("");
    expect([output.isFull, output.isHandedOver]).toEqual([true, false]);
    let hasRoom = false;
    void output.whenRoom().then(() => (hasRoom = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(hasRoom).toBe(false);
    output.closed();
    expect(output.isFull).toBe(false);
    await output.whenRoom();
    let told = 0;
    output.whenHandedOver(() => told++);
    expect(told).toBe(1);
  });

  it("does not say that its bytes are with the system", () => {
    const socket = room();
    const output = new SocketOutput(socket, { now: 0 });
    output.send("a");
    let told = 0;
    output.whenHandedOver(() => told++);
    socket.destroy();
    expect(told).toBe(0);
    output.closed();
    expect(told).toBe(1);
  });
});

describe("SocketInput", () => {
  it("makes the client wait when too much is here, and gives the last of it back", () => {
    const socket = room();
    const input = new SocketInput(socket);
    input.push(Buffer.alloc(30_000));
    expect(input.holdBack(0)).toBe(0);
    input.push(Buffer.alloc(5000));
    expect(input.holdBack(0)).toBe(5000);
    expect(input.isHeldBack).toBe(true);
    expect(input.bytes).toBe(30_000);
    expect(socket.unshifted.map((chunk) => chunk.length)).toEqual([5000]);
    expect(input.shift()?.length).toBe(30_000);
    expect(input.isHeldBack).toBe(false);
    expect(input.shift()).toBeUndefined();
  });

  it("counts what waits elsewhere", () => {
    const socket = room();
    const input = new SocketInput(socket);
    input.push(Buffer.alloc(10));
    expect(input.holdBack(40_000)).toBe(10);
    expect(input.isEmpty).toBe(true);
  });
});
