import type { HeaderList } from "./contract.ts";
import { statusLine } from "./status.ts";

/** Marks errors of this class: two copies of core may be loaded, so `instanceof` would not do. */
const brand = Symbol.for("gateway.HTTPError");

/**
 * An error that says how it wants to be answered. Thrown before the head has gone, it becomes that response with its message as
 * plain text: so the message must be fit for strangers. Any other error becomes a 500 that tells nothing.
 */
export class HTTPError extends Error {
  /** The status of the response: `"404 Not Found"`. */
  readonly status: string;
  /** More headers for the response. */
  readonly headers: HeaderList;

  /**
   * @throws {RangeError} if the code is not between 400 and 599.
   */
  constructor(code: number, message?: string, options: { headers?: HeaderList; cause?: unknown } = {}) {
    if (!Number.isInteger(code) || code < 400 || code > 599)
      throw new RangeError(`HTTPError: ${code} is no error status (400 to 599)`);
    const status = statusLine(code);
    super(message ?? status, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HTTPError";
    Object.defineProperty(this, brand, { value: true });
    this.status = status;
    this.headers = options.headers ?? [];
  }
}

/** Is it an {@link HTTPError}, of this copy of core or another? */
export function isHTTPError(value: unknown): value is HTTPError {
  return typeof value === "object" && value !== null && brand in value;
}
