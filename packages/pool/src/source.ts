/** A pool like that of `pg`: its connections give themselves back, with an error to be thrown away. */
export interface PgSource<Connection> {
  connect: {
    (): Promise<Connection>;
    (callback: (error: Error | undefined, client: Connection | undefined, done: (release?: never) => void) => void): void;
  };
  readonly totalCount: number;
}

/** A pool like that of `mysql2/promise`: its connections give themselves back, or are destroyed. */
export interface MysqlSource<Connection> {
  getConnection(): Promise<Connection>;
}

/** A pool like that of `tarn`, which throws no single connection away: see {@link PoolOptions.destroy}. */
export interface TarnSource<Connection> {
  acquire(): { readonly promise: Promise<Connection>; abort(): void };
  release(connection: Connection): unknown;
  numPendingAcquires(): number;
}

/** A pool like that of `generic-pool`, or whatever you make. */
export interface PlainSource<Connection> {
  acquire(): Promise<Connection>;
  release(connection: Connection): unknown;
  destroy(connection: Connection): unknown;
}

/** Any pool that {@link pool} knows by its shape. */
export type ConnectionSource<Connection> =
  | PgSource<Connection>
  | MysqlSource<Connection>
  | TarnSource<Connection>
  | PlainSource<Connection>;

/** A pool, its shape known. */
export interface Source<Connection> {
  readonly kind: "pg" | "mysql" | "tarn" | "plain";
  /** `cancel` takes the request for a connection back, where the pool can. */
  acquire(): { readonly promise: Promise<Connection>; cancel?(): void };
  release(connection: Connection): unknown;
  destroy(connection: Connection): unknown;
  /** How many connections it opens at most, where it says so. */
  readonly max?: number | undefined;
}

/** What a connection of `pg` or `mysql2` does with itself. */
interface OwnRelease {
  release(error?: boolean): unknown;
  destroy?(): unknown;
}

/**
 * Knows a pool by its shape.
 *
 * @param destroy throws a connection away, where the pool does not do it well.
 * @throws {TypeError} that says what it looked for.
 */
export function knowSource<Connection>(
  given: ConnectionSource<Connection>,
  destroy: ((connection: Connection) => unknown) | undefined,
): Source<Connection> {
  const source: unknown = given;
  if (typeof source !== "object" || source === null) throw new TypeError("pool: the source is no pool, which is an object");
  if (has<MysqlSource<Connection>>(source, "getConnection")) {
    if ("promise" in source) throw new TypeError("pool: this pool of mysql2 takes callbacks: give its promise()");
    return {
      kind: "mysql",
      acquire: () => ({ promise: source.getConnection() }),
      release: (connection) => (connection as OwnRelease).release(),
      destroy: destroy ?? ((connection) => (connection as OwnRelease).destroy?.()),
    };
  }
  const keeps = "acquire" in source && "release" in source;
  if (keeps && has<TarnSource<Connection>>(source, "numPendingAcquires")) {
    if (destroy === undefined) {
      throw new TypeError(
        "pool: tarn throws no single connection away: give destroy, which closes it so that its validate refuses it",
      );
    }
    return {
      kind: "tarn",
      acquire() {
        const pending = source.acquire();
        return { promise: pending.promise, cancel: () => pending.abort() };
      },
      release: (connection) => source.release(connection),
      async destroy(connection) {
        try {
          await destroy(connection);
        } finally {
          source.release(connection);
        }
      },
    };
  }
  if (keeps && has<PlainSource<Connection>>(source, "destroy")) {
    return {
      kind: "plain",
      acquire: () => ({ promise: source.acquire() }),
      release: (connection) => source.release(connection),
      destroy: destroy ?? ((connection) => source.destroy(connection)),
    };
  }
  if (has<PgSource<Connection>>(source, "connect") && "totalCount" in source) {
    return {
      kind: "pg",
      acquire: () => ({ promise: source.connect() }),
      release: (connection) => (connection as OwnRelease).release(),
      destroy: destroy ?? ((connection) => (connection as OwnRelease).release(true)),
      max: maxOf(source),
    };
  }
  throw new TypeError(
    "pool: the source is no pool of pg (connect), mysql2/promise (getConnection), tarn or generic-pool, and has no acquire, release and destroy",
  );
}

/** `options.max` of a pool of `pg`. */
function maxOf(source: object): number | undefined {
  const options: unknown = Reflect.get(source, "options");
  const max: unknown = typeof options === "object" && options !== null ? Reflect.get(options, "max") : undefined;
  return typeof max === "number" ? max : undefined;
}

function has<Shape>(source: object, method: keyof Shape & string): source is object & Shape {
  return typeof (source as Record<string, unknown>)[method] === "function";
}
