import type { Socket } from "node:net";
import type { ToWorker } from "./messages.ts";
import { RoundRobin } from "./round-robin.ts";

/** How long those that were accepted may wait for a worker whose loop is blocked, when all stops. */
const handOverMilliseconds = 1000;

/** A connection that no worker has yet. */
interface Connection {
  readonly socket: Socket;
  readonly listening: number;
}

/** Hands a connection to a worker. */
type Hand = (worker: number, message: Extract<ToWorker, { type: "connection" }>, socket: Socket) => void;

/** The connections that this process accepts, until a worker has them. */
export class Connections {
  readonly #spread: RoundRobin<Connection>;
  #accepted = 0;
  #lastId = 0;
  #whenIdle: (() => void) | undefined = undefined;

  /** @param limit connections that a worker should have open at most. */
  constructor(limit: number, hand: Hand) {
    this.#spread = new RoundRobin(limit, (worker, { socket, listening }) =>
      hand(worker, { type: "connection", id: ++this.#lastId, listening }, socket),
    );
  }

  /** How many wait for a worker. */
  get waiting(): number {
    return this.#spread.waiting;
  }

  /** @param listening which of the listeners it came from. */
  accept(socket: Socket, listening: number): void {
    this.#accepted++;
    // The list of connections that Node.js keeps across processes for servers that it hands over is of no use here.
    Reflect.set(socket, "server", null);
    socket.on("error", () => {});
    this.#spread.offer({ socket, listening });
  }

  /** A worker that takes connections from now on. */
  add(worker: number): void {
    this.#spread.add(worker);
  }

  /** The worker gets no more; `whenIdle` is called when it has all that it was sent, which may be at once. */
  remove(worker: number, whenIdle: () => void): void {
    this.#spread.remove(worker, whenIdle);
  }

  /** The worker has what it was sent. */
  taken(worker: number, open: number): void {
    this.#spread.taken(worker, open)?.socket.destroy();
    this.#checkIdle();
  }

  /** The worker has so many open now, after it had been full. */
  room(worker: number, open: number): void {
    this.#spread.room(worker, open);
  }

  died(worker: number): void {
    this.#spread.died(worker);
    this.#checkIdle();
  }

  /** Resolves when all that were in the backlog are accepted: when two turns of the loop bring no new one. */
  async quiet(): Promise<void> {
    for (let quiet = 0; quiet < 2;) {
      const before = this.#accepted;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#accepted === before ? quiet + 1 : 0;
    }
  }

  /** Resolves when each is with a worker; or when there is none any more, or those that are full, for so many seconds, or blocked will not take any in time. */
  handedOver(gracefulTimeout: number): Promise<void> {
    return new Promise((resolve) => {
      const blocked = setTimeout(() => {
        if (this.waiting === 0) resolve();
      }, handOverMilliseconds);
      const full = setTimeout(resolve, gracefulTimeout * 1000);
      this.#whenIdle = () => {
        clearTimeout(blocked);
        clearTimeout(full);
        resolve();
      };
      this.#checkIdle();
    });
  }

  /** Gives up those that still wait. */
  drop(): void {
    for (const { socket } of this.#spread.clear()) socket.destroy();
  }

  #checkIdle(): void {
    if (!this.#spread.isIdle && !this.#spread.isDeserted) return;
    this.#whenIdle?.();
    this.#whenIdle = undefined;
  }
}
