import type { PlainSource } from "./source.ts";

/** A connection that notes what was asked of it. */
export class FakeConnection {
  readonly statements: string[] = [];
  state: "free" | "out" | "destroyed" = "free";
  /** What the next statement that begins so fails with. */
  failing: { readonly statement: string; readonly error: Error } | undefined = undefined;

  async query(statement: string): Promise<{ command: string }> {
    if (this.state !== "out") throw new Error(`a connection that is ${this.state} was used: ${statement}`);
    this.statements.push(statement);
    await Promise.resolve();
    if (this.failing !== undefined && statement.startsWith(this.failing.statement)) throw this.failing.error;
    return { command: statement };
  }
}

/** A pool in memory. A connection that is given back twice, or was never out, is an error. */
export class FakePool implements PlainSource<FakeConnection> {
  readonly connections: FakeConnection[] = [];
  readonly mistakes: string[] = [];
  readonly #max: number;
  readonly #waiting: ((connection: FakeConnection) => void)[] = [];

  constructor(max = 10) {
    this.#max = max;
  }

  get out(): number {
    return this.connections.filter(({ state }) => state === "out").length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** What was asked of all connections. */
  get statements(): readonly string[] {
    return this.connections.flatMap(({ statements }) => statements);
  }

  acquire(): Promise<FakeConnection> {
    const free = this.connections.find(({ state }) => state === "free");
    if (free !== undefined) return Promise.resolve(this.#take(free));
    if (this.connections.filter(({ state }) => state !== "destroyed").length < this.#max) {
      const made = new FakeConnection();
      this.connections.push(made);
      return Promise.resolve(this.#take(made));
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  release(connection: FakeConnection): void {
    if (connection.state !== "out") this.mistakes.push(`released a connection that is ${connection.state}`);
    connection.state = "free";
    const next = this.#waiting.shift();
    next?.(this.#take(connection));
  }

  destroy(connection: FakeConnection): void {
    if (connection.state !== "out") this.mistakes.push(`destroyed a connection that is ${connection.state}`);
    connection.state = "destroyed";
    const next = this.#waiting.shift();
    if (next !== undefined) void this.acquire().then(next);
  }

  #take(connection: FakeConnection): FakeConnection {
    connection.state = "out";
    return connection;
  }
}
