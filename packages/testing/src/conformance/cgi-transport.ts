import type { ApplicationLike, HeaderList } from "@gateway/core";
import type { ConformanceRequest, ConformanceResponse, RunningTransport, Transport, TransportHooks } from "./types.ts";

/** A request as a front server hands it on: variables of CGI, and a body. */
export interface CgiRequest {
  /** Names and values in turn, octets as latin-1; repeated headers are repeated. */
  readonly variables: readonly string[];
  /** To be sent as it comes. */
  readonly body: AsyncIterable<Uint8Array> | undefined;
  /** The client leaves when it is aborted. */
  readonly signal: AbortSignal;
}

/** What comes back, once its head is there. */
export interface CgiResponse {
  /** `"200 OK"` */
  readonly status: string;
  readonly headers: HeaderList;
  /** Throws where it is not whole. Its `close()` leaves. */
  readonly body: AsyncIterable<Uint8Array> & { close(): void };
}

/** A gateway that listens, or a program that is run for each request. */
export interface CgiListening {
  /** Rejects when there is no response; with an error whose `code` is `"MALFORMED"` for what is none. */
  request(request: CgiRequest): Promise<CgiResponse>;
  /** Stops it; resolves when nothing is left of it. */
  close(): Promise<void>;
}

/** Settings of {@link cgiTransport}. */
export interface CgiTransportOptions {
  /** Shown in the names of the tests. */
  name: string;
  /** Cases that this gateway cannot carry, by name, each with the reason (default: those that are for a front server). */
  lacks?: Readonly<Record<string, string>>;
  /** Whether a body without a length can be sent: else it goes with one, as from a front server that has gathered it first. */
  unknownLength: boolean;
  /** Serves an application. What is written to `wsgi.errors` goes to `hooks.errors`. */
  listen(app: ApplicationLike, hooks: TransportHooks): Promise<CgiListening>;
}

/** What a gateway behind variables cannot see. */
const ofTheFront: Readonly<Record<string, string>> = {
  "refuses a percent sign without two hex digits": "the front server decodes the path",
  "drops a header with an underscore in its name": "a variable does not tell how its header was spelled: the front server drops it",
};

/**
 * Runs the table over CGI, FastCGI, SCGI or uwsgi: stands in for a front server, which makes variables of a request. It decodes the path,
 * trims values, and leaves to the gateway what some fronts leave to it: repeated headers, `HTTP_PROXY`, `HTTP_CONTENT_LENGTH`.
 */
export function cgiTransport(options: CgiTransportOptions): Transport {
  return {
    name: options.name,
    lacks: { ...ofTheFront, ...options.lacks },
    async start(app, hooks): Promise<RunningTransport> {
      const listening = await options.listen(app, hooks);
      return {
        send: (request) => send(listening, request, options.unknownLength),
        stop: () => listening.close(),
      };
    },
  };
}

async function send(
  listening: CgiListening,
  request: ConformanceRequest,
  unknownLength: boolean,
): Promise<ConformanceResponse | undefined> {
  const { body, signal, leave } = request;
  let response: CgiResponse;
  try {
    response = await listening.request({ variables: variablesOf(request, unknownLength), body: body?.chunks, signal });
  } catch (error) {
    if (signal.aborted || codeOf(error) === "TRUNCATED") return undefined;
    throw error;
  }
  const { status, headers } = response;
  return { status, headers, ...(await read(response, leave)) };
}

/** Reads the body, as far as the client wants it. */
async function read({ body }: CgiResponse, leave: "head" | number | undefined): Promise<{ body: Uint8Array; truncated: boolean }> {
  const most = leave === undefined ? Infinity : leave === "head" ? 0 : leave;
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (most === 0) body.close();
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length >= most) break;
    }
  } catch (error) {
    if (codeOf(error) === "MALFORMED") throw error;
    return { body: Buffer.concat(chunks), truncated: true };
  }
  return { body: Buffer.concat(chunks), truncated: leave !== undefined };
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

/** The variables of a request (RFC 3875, section 4.1), with what front servers send beside those. */
function variablesOf({ method, target, headers, body }: ConformanceRequest, unknownLength: boolean): string[] {
  const [, authority = "", path = "/", query = ""] = /^(?:https?:\/\/([^/]*))?([^?]*)\??(.*)$/.exec(target) ?? [];
  const variables = ["REQUEST_METHOD", method, "SCRIPT_NAME", "", "PATH_INFO", decoded(path), "QUERY_STRING", query];
  variables.push("REQUEST_URI", authority === "" ? target : target.slice(target.indexOf(authority) + authority.length));
  variables.push("SERVER_NAME", "localhost", "SERVER_PORT", "80", "SERVER_PROTOCOL", "HTTP/1.1");
  variables.push("REMOTE_ADDR", "127.0.0.1", "REMOTE_PORT", "40000", "GATEWAY_INTERFACE", "CGI/1.1");
  const fields = headers.map(([name, value]) => [name.toUpperCase().replaceAll("-", "_"), trimmed(value)] as const);
  const length = body === undefined ? "" : body.chunked && unknownLength ? undefined : `${body.length}`;
  // nginx sends an empty one where there is no body, Apache none for a body whose length it does not know.
  if (length !== undefined) variables.push("CONTENT_LENGTH", length, "HTTP_CONTENT_LENGTH", length);
  else variables.push("HTTP_TRANSFER_ENCODING", "chunked");
  if (!fields.some(([name]) => name === "HOST")) variables.push("HTTP_HOST", authority || "localhost");
  for (const [name, value] of fields) {
    if (name === "CONTENT_TYPE") variables.push("CONTENT_TYPE", value);
    variables.push(`HTTP_${name}`, value);
  }
  return variables;
}

/** The octets of a path. */
function decoded(path: string): string {
  return path.replaceAll(/%([0-9A-Fa-f]{2})/g, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function trimmed(value: string): string {
  return value.replaceAll(/^[ \t]+|[ \t]+$/g, "");
}
