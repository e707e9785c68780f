import type { HeaderList } from "@gateway/core";
import { cgiVariable, type CgiVariables } from "@gateway/core/gateway";

/** A request as a client sends it. */
export interface GatewayRequest {
  /** The variables of CGI, as a record, or as names and values in turn where some repeat. Octets as latin-1. */
  readonly variables: CgiVariables | Readonly<Record<string, string | undefined>>;
  /** Exactly as many bytes as the variable `CONTENT_LENGTH` says; pulled as the server takes them (default: no body). */
  readonly body?: Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined;
  /** Gives the request up: the promise rejects with its reason, or the body throws it. */
  readonly signal?: AbortSignal | undefined;
  /** Told of what the server writes to its standard error for this request, where the protocol has that (FastCGI). Latin-1. */
  readonly onErrors?: ((text: string) => void) | undefined;
}

/** A response, once its head is there. */
export interface GatewayResponse {
  /** `"200 OK"`; the reason may be missing. */
  readonly status: string;
  /** Values are latin-1. Without what belongs to a connection. */
  readonly headers: HeaderList;
  readonly body: GatewayBody;
}

/** The body of a response, as it comes. Read it to its end, or close it: what waits holds up the server. */
export interface GatewayBody extends AsyncIterable<Uint8Array> {
  /** Nobody reads any further: lets the server know. Leaving a loop over it does the same. */
  close(): void;
}

/** A client of one server. */
export interface GatewayClient {
  /**
   * Sends a request, and resolves with its response once the head of that is there. The body comes as it is read.
   *
   * Rejects with a `ClientError` where there is no response, with the reason of the signal when it is aborted, and with what the body of the
   * request throws. A response that breaks off is an error of its body; it never looks whole.
   *
   * @throws {TypeError|RangeError} for variables that cannot be sent.
   */
  request(request: GatewayRequest): Promise<GatewayResponse>;
  /** Closes the connections that wait; requests under way are finished, new ones rejected. */
  close(): void;
}

/**
 * The variables of a request as names and values in turn.
 *
 * @throws {TypeError} for what is no text of octets.
 */
export function variablesOf(given: GatewayRequest["variables"]): CgiVariables {
  const variables = isList(given)
    ? given
    : Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
  if (variables.length % 2 !== 0) throw new TypeError("variables are names and values in turn: there is a name without a value");
  for (const [at, text] of variables.entries()) {
    if (typeof text !== "string" || /[\u0100-\uffff]/.test(text))
      throw new TypeError("names and values of variables are strings of octets: latin-1, nothing above U+00FF");
    if (at % 2 === 0 && text === "") throw new TypeError("a variable has a name");
  }
  return variables;
}

function isList(given: GatewayRequest["variables"]): given is CgiVariables {
  return Array.isArray(given);
}

/**
 * How long the body of a request is, as its variables say; `undefined` where they do not.
 *
 * @throws {TypeError} for a length that is none, or one without a body.
 */
export function announcedLength(variables: CgiVariables, body: GatewayRequest["body"]): number | undefined {
  const value = cgiVariable(variables, "CONTENT_LENGTH");
  if (value === undefined || value === "") return undefined;
  if (!/^[0-9]{1,15}$/.test(value)) throw new TypeError("CONTENT_LENGTH is a number of bytes in digits");
  const length = Number(value);
  if (body === undefined && length > 0) throw new TypeError("a request without a body has no CONTENT_LENGTH, or 0");
  return length;
}
