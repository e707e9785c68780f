import {
  capture,
  checkOptionNames,
  isThenable,
  layer,
  onClose,
  send,
  type AnyMiddleware,
  type Application,
  type CapturedResponse,
  type Environ,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import { verdictOf, type Lease } from "./lease.ts";
import { LeasedBody } from "./leased-body.ts";
import { Leases } from "./leases.ts";
import { knowSource, type ConnectionSource } from "./source.ts";
import { transactionControl, type TransactionControl, type TransactionOptions } from "./transaction.ts";

/** What {@link pool} adds to environ: what gives the connection of this request, the same each time. */
export type PoolEnviron<Connection, Key extends string = "gateway.connection"> = {
  [K in Key]: () => Promise<Connection>;
};

/** Settings of {@link pool}. */
export interface PoolOptions<Connection, Key extends string = "gateway.connection"> {
  /** The key of environ; each of two pools has its own (default `"gateway.connection"`). Has a dot. */
  readonly key?: Key | undefined;
  /** Whether each request that asks for the connection is one transaction, and which (default `false`). */
  readonly transaction?: boolean | TransactionOptions<Connection> | undefined;
  /** How long a request waits for a connection, in milliseconds, before it is answered 503 (default 5000; `Infinity`: no limit). */
  readonly acquireMilliseconds?: number | undefined;
  /** What `Retry-After` of that 503 says, in seconds (default 1). */
  readonly retryAfterSeconds?: number | undefined;
  /**
   * How long code that is still running when its client has left may go on with the connection, in milliseconds (default 10000). Then it is
   * destroyed under its hands.
   */
  readonly graceMilliseconds?: number | undefined;
  /** Throws away a connection in a state that nobody knows (default: as the pool does; `tarn` has nothing for that). */
  readonly destroy?: ((connection: Connection) => unknown) | undefined;
}

/** What {@link poolState} tells. */
export interface PoolState {
  /** How many connections are out. */
  readonly held: number;
  /** How many requests wait for one. */
  readonly waiting: number;
}

/**
 * One connection of a pool for each request that asks: `await environ["gateway.connection"]()`. Taken when it is first asked for, and
 * given back exactly once: when the response is whole, is closed, aborted, or fails. A connection whose state nobody knows is
 * destroyed.
 *
 * With `transaction` the request is a transaction. It commits before the head of a buffered response, and before the last chunk of a stream; a
 * commit that fails is a 500, or breaks the stream off. It rolls back for an error, for a status of 500 and above, and when the client was
 * seen to leave before.
 *
 * @throws {TypeError} while wrapping, for what is no pool or no setting. @throws {RangeError} for a time that is none.
 */
export function pool<Connection, const Key extends string = "gateway.connection">(
  source: ConnectionSource<Connection>,
  options: PoolOptions<Connection, Key> = {},
): Middleware<PoolEnviron<Connection, Key>> {
  checkOptionNames("pool", options, {
    key: true,
    transaction: true,
    acquireMilliseconds: true,
    retryAfterSeconds: true,
    graceMilliseconds: true,
    destroy: true,
  });
  const { key = "gateway.connection", transaction = false, destroy } = options;
  const { acquireMilliseconds = 5000, retryAfterSeconds = 1, graceMilliseconds = 10_000 } = options;
  if (typeof key !== "string" || !key.includes(".")) throw new TypeError("pool: key is a key of environ with a dot in it");
  if (destroy !== undefined && typeof destroy !== "function") throw new TypeError("pool: destroy is a function");
  if (typeof transaction !== "boolean" && (typeof transaction !== "object" || transaction === null)) {
    throw new TypeError("pool: transaction is true, false or its settings");
  }
  checkTime("acquireMilliseconds", acquireMilliseconds, true);
  checkTime("graceMilliseconds", graceMilliseconds, false);
  if (!Number.isSafeInteger(retryAfterSeconds) || retryAfterSeconds < 0) {
    throw new RangeError(`pool: retryAfterSeconds is a whole number from 0 on, not ${retryAfterSeconds}`);
  }
  const known = knowSource(source, destroy);
  const control = transaction === false ? undefined : transactionControl(transaction === true ? {} : transaction, known.kind);
  const leases = new Leases({ source: known, transaction: control, acquireMilliseconds, retryAfterSeconds, graceMilliseconds });

  const wrap = layer<PoolEnviron<Connection, Key>>(
    (app) => (environ, startResponse) => {
      const lease = leases.open(environ);
      (environ as Record<string, unknown>)[key] = lease.connection;
      return control === undefined
        ? servePlain(app, environ, startResponse, lease)
        : serveInTransaction(app, environ, startResponse, lease, control);
    },
    ({ processes }) => {
      // While one is replaced there is one more.
      const connections = (processes + 1) * (known.max ?? 0);
      return processes > 1 && connections > usualConnections
        ? [
            `pool() opens up to ${known.max} connections in each of ${processes} processes, and during a reload in one more: ${connections}, where PostgreSQL takes ${usualConnections} unless it is told otherwise.`,
          ]
        : [];
    },
  );
  made.set(wrap, leases);
  return wrap;
}

/** `max_connections` of PostgreSQL, as it comes. */
const usualConnections = 100;

/** What stands behind each layer. Not on the layer itself: `compose` knows what a plain `Middleware` adds, and nothing wider. */
const made = new WeakMap<object, Drainable>();

interface Drainable extends PoolState {
  drain(): Promise<void>;
}

/**
 * Hands out no more connections of a layer that {@link pool} made (requests that ask get 503), and resolves when all are back. Then end
 * the pool itself.
 *
 * @throws {TypeError} for any other layer.
 */
export function drain(layer: AnyMiddleware): Promise<void> {
  return leasesOf(layer).drain();
}

/**
 * How busy a layer that {@link pool} made is, now.
 *
 * @throws {TypeError} for any other layer.
 */
export function poolState(layer: AnyMiddleware): PoolState {
  const { held, waiting } = leasesOf(layer);
  return { held, waiting };
}

function leasesOf(layer: AnyMiddleware): Drainable {
  const leases = made.get(layer);
  if (leases === undefined)
    throw new TypeError("pool: this layer was not made by pool(); one that compose() made of it does not know");
  return leases;
}

/** The longest time that a timer of Node takes. */
const maxMilliseconds = 2 ** 31 - 1;

function checkTime(name: string, value: number, isEndless: boolean): void {
  if (isEndless && value === Infinity) return;
  if (typeof value !== "number" || !(value >= 1 && value <= maxMilliseconds)) {
    throw new RangeError(`pool: ${name} is a number of milliseconds from 1 on, not ${String(value)}`);
  }
}

/** Throws the error on: at once where no connection was asked for, else when it has been given back. */
function fail<Connection>(lease: Lease<Connection>, error: unknown, hasTransaction: boolean): never | Promise<never> {
  const settled = lease.settle(verdictOf(error, hasTransaction));
  if (!lease.isUsed) throw error;
  const rethrow = (): never => {
    throw error;
  };
  return settled.then(rethrow, rethrow);
}

function servePlain<E extends Environ, Connection>(
  app: Application<E>,
  environ: E,
  startResponse: StartResponse,
  lease: Lease<Connection>,
): ResponseBody | Promise<ResponseBody> {
  const respond = (body: ResponseBody): ResponseBody => {
    // The application is done with it: nothing of it runs while this is sent.
    if (isWhole(body)) {
      void lease.settle("commit");
      return body;
    }
    if (isAsync(body)) return new LeasedBody(body, lease, "commit", false);
    return onClose(body, () => end(lease, "commit"));
  };
  let answer: ResponseBody | Promise<ResponseBody>;
  try {
    answer = app(environ, startResponse);
  } catch (error) {
    return fail(lease, error, false);
  }
  return isThenable(answer)
    ? Promise.resolve(answer).then(respond, (error: unknown) => fail(lease, error, false))
    : respond(answer);
}

function serveInTransaction<E extends Environ, Connection>(
  app: Application<E>,
  environ: E,
  startResponse: StartResponse,
  lease: Lease<Connection>,
  control: TransactionControl<Connection>,
): ResponseBody | Promise<ResponseBody> {
  const isHead = environ.REQUEST_METHOD === "HEAD";
  const respond = (response: CapturedResponse): ResponseBody | Promise<ResponseBody> => {
    const { status, body } = response;
    const code = Number(status.slice(0, 3));
    let verdict: "commit" | "rollback";
    try {
      verdict = control.rollsBack(code) ? "rollback" : "commit";
    } catch (error) {
      return giveUp(body, lease, error);
    }
    const isBodiless = isHead || code === 204 || code === 304;
    if (!isBodiless && !isWhole(body)) {
      if (!lease.isUsed && !isAsync(body)) {
        // A body that waits for nothing cannot use a connection: what it asks for is given back.
        return send({ ...response, body: onClose(body, () => end(lease, "rollback")) }, startResponse);
      }
      return send({ ...response, body: new LeasedBody(body, lease, verdict, true) }, startResponse);
    }
    // Nothing of this stream would be sent, and running it on could ask for the connection that is about to go back.
    if (!isWhole(body)) response.body = Object.assign([], { close: () => body.close?.() });
    const settled = lease.settle(verdict);
    if (!lease.isUsed) return send(response, startResponse);
    return settled.then(
      () => send(response, startResponse),
      (error: unknown) => giveUp(response.body, lease, error),
    );
  };
  let response: CapturedResponse | Promise<CapturedResponse>;
  try {
    response = capture(app, environ);
  } catch (error) {
    return fail(lease, error, true);
  }
  return isThenable(response)
    ? Promise.resolve(response).then(respond, (error: unknown) => fail(lease, error, true))
    : respond(response);
}

/** Nothing of the response is sent: its body is closed, which may still use the connection, and then that goes back. */
async function giveUp<Connection>(body: ResponseBody, lease: Lease<Connection>, error: unknown): Promise<never> {
  await body.close?.();
  await lease.settle("rollback").catch(() => {});
  throw error;
}

/** For a body that is closed; nothing to wait for where no connection was asked for. */
function end<Connection>(lease: Lease<Connection>, verdict: "commit" | "rollback"): void | Promise<void> {
  const settled = lease.settle(verdict);
  if (lease.isUsed) return settled;
}

/** An array, or a file: nothing of the application runs while it is sent. */
function isWhole(body: ResponseBody): boolean {
  if (Array.isArray(body)) return true;
  // What `wsgi.file_wrapper` makes, of this copy of core or another.
  return typeof body === "object" && body !== null && "file" in body && "blockSize" in body && typeof body.blockSize === "number";
}

function isAsync(body: ResponseBody): boolean {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}
