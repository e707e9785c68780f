/** A worker, as the spread of connections sees it. */
interface Taker<Connection> {
  /** Sent, and not acknowledged yet: it gets no other meanwhile. */
  pending: Connection | undefined;
  /** Connections that it said it has. */
  open: number;
  /** Told once when nothing is pending any more. */
  whenIdle: (() => void) | undefined;
}

/**
 * Hands connections to workers in turn. A worker gets the next one only when it has acknowledged the one before, so that one whose loop is blocked
 * holds up no more than one, and what a dying worker had not acknowledged goes to another: nobody has read from it.
 *
 * node:cluster does it in turn, too, but forgets a connection that is on its way to a worker which dies.
 */
export class RoundRobin<Connection> {
  readonly #limit: number;
  readonly #send: (worker: number, connection: Connection) => void;
  /** In the order of their turns. */
  #takers = new Map<number, Taker<Connection>>();
  /** Ended for new connections, but with one pending. */
  readonly #leaving = new Map<number, Taker<Connection>>();
  readonly #queue: Connection[] = [];

  /**
   * @param limit connections that a worker should have open at most. When all have so many they get more in turn: it is theirs to turn them away.
   * @param send to a worker; {@link taken} is its answer.
   */
  constructor(limit: number, send: (worker: number, connection: Connection) => void) {
    this.#limit = limit;
    this.#send = send;
  }

  /** Connections that wait for a worker. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Nothing waits, and everything sent is acknowledged. */
  get isIdle(): boolean {
    const isPending = ({ pending }: Taker<Connection>): boolean => pending !== undefined;
    return this.#queue.length === 0 && ![...this.#takers.values(), ...this.#leaving.values()].some(isPending);
  }

  /** Whether there is nobody who takes connections, or may have been about to. */
  get isDeserted(): boolean {
    return this.#takers.size === 0 && this.#leaving.size === 0;
  }

  /** A new connection. */
  offer(connection: Connection): void {
    if (this.#queue.length > 0 || !this.#hand(connection)) this.#queue.push(connection);
  }

  /** A worker that takes connections from now on. */
  add(worker: number): void {
    this.#takers.set(worker, { pending: undefined, open: 0, whenIdle: undefined });
    this.#next();
  }

  /** The worker gets no more; `whenIdle` is called when it has acknowledged all it was sent, which may be at once. */
  remove(worker: number, whenIdle: () => void): void {
    const taker = this.#takers.get(worker);
    this.#takers.delete(worker);
    if (taker?.pending === undefined) return whenIdle();
    taker.whenIdle = whenIdle;
    this.#leaving.set(worker, taker);
  }

  /** The worker has died: what it had not acknowledged goes to another, before those who came later. */
  died(worker: number): void {
    const taker = this.#takers.get(worker) ?? this.#leaving.get(worker);
    this.#takers.delete(worker);
    this.#leaving.delete(worker);
    if (taker?.pending !== undefined) this.#queue.unshift(taker.pending);
    this.#next();
  }

  /** The worker has what it was sent. @returns that, to be closed here. */
  taken(worker: number, open: number): Connection | undefined {
    const taker = this.#takers.get(worker) ?? this.#leaving.get(worker);
    if (taker === undefined) return undefined;
    const { pending } = taker;
    taker.pending = undefined;
    taker.open = open;
    if (this.#leaving.delete(worker)) taker.whenIdle?.();
    this.#next();
    return pending;
  }

  /** The worker has so many connections open now, after it had been full. */
  room(worker: number, open: number): void {
    const taker = this.#takers.get(worker);
    if (taker === undefined) return;
    taker.open = open;
    this.#next();
  }

  /** All that wait, for whoever gives up. */
  clear(): Connection[] {
    return this.#queue.splice(0);
  }

  #next(): void {
    for (let first = this.#queue[0]; first !== undefined && this.#hand(first); first = this.#queue[0]) this.#queue.shift();
  }

  #hand(connection: Connection): boolean {
    const isFull = (taker: Taker<Connection>): boolean => taker.open >= this.#limit;
    const allFull = [...this.#takers.values()].every(isFull);
    for (const [worker, taker] of this.#takers) {
      if (taker.pending !== undefined || (!allFull && isFull(taker))) continue;
      taker.pending = connection;
      // Whoever got one comes last.
      this.#takers.delete(worker);
      this.#takers.set(worker, taker);
      this.#send(worker, connection);
      return true;
    }
    return false;
  }
}
