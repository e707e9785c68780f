/** Why a request got no response, or not the whole of one. */
export type ClientErrorCode =
  /** There is no connection to the server. */
  | "CONNECT_FAILED"
  /** No connection to the server was made in time. */
  | "CONNECT_TIME_LIMIT"
  /** The server did not take or give a byte for too long. */
  | "TIME_LIMIT"
  /** The response ended, or the connection did, before it was whole. */
  | "TRUNCATED"
  /** What came is no response. */
  | "MALFORMED"
  /** The server has no room for the request, or too many wait for a connection, or one waited too long. */
  | "OVERLOADED"
  /** The server does not take such a request. */
  | "REFUSED"
  /** The client was closed. */
  | "CLOSED";

/** What a client rejects with, and what a body that breaks off throws. Who aborts a request gets the reason of the signal instead. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ClientError";
    this.code = code;
  }
}
