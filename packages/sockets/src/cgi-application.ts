import { HTTPError, type Environ } from "@gateway/core";
import type { CgiVariables } from "@gateway/core/gateway";
import { backEndApplication, type BackEndApplication } from "./back-end-application.ts";
import { parseConnectTo, type ClientOptions, type ConnectTo } from "./client-options.ts";
import { environBody, gathered, type EnvironBody } from "./environ-body.ts";
import { environVariables, type VariableRules } from "./environ-variables.ts";
import type { GatewayClient, GatewayRequest } from "./gateway-client.ts";
import { severalClients } from "./several-clients.ts";

/** Settings of the applications that hand requests on over FastCGI, SCGI or uwsgi. */
export interface CgiApplicationOptions extends Omit<ClientOptions, "connect"> {
  /**
   * Where the back end listens: `"/run/app.sock"`, `"unix:/run/app.sock"`, `"127.0.0.1:9000"`, or an address. Several take turns, and one that
   * cannot be reached is passed over.
   */
  socket: string | ConnectTo | readonly (string | ConnectTo)[];
  /** For how long one of several that could not be reached is asked only when no other is left, in seconds (default 10). */
  downSeconds?: number;
  /**
   * More variables for the back end, or others in the place of those there are; `undefined` takes one out (default: none). Text, sent as UTF-8.
   */
  variables?: Readonly<Record<string, string>> | ((environ: Environ) => Readonly<Record<string, string | undefined>>);
  /**
   * Whether `Forwarded`, `X-Forwarded-*` and `X-Real-IP` are handed on (default `"drop"`): a client may say in them what it likes. The back end
   * has REMOTE_ADDR, HTTPS and the rest from the environ. `"keep"` is for behind `forwarded()` of `@gateway/forwarded`.
   */
  forwarded?: "drop" | "keep";
  /**
   * A request body without a Content-Length is read up to this many bytes before it is sent, so that its length is known (default 1 MiB); a longer
   * one is answered with 411.
   */
  gatherBytes?: number;
}

/** What a protocol has of its own. */
export interface CgiApplicationSpeech<Options extends object> {
  makeClient(options: Options & ClientOptions): GatewayClient;
  /** Whether a body without a length is sent as it comes. */
  readonly sendsUnknownLength: boolean;
  /** @throws {HTTPError} for variables that the protocol cannot carry. */
  checkVariables?(variables: CgiVariables): void;
}

/** Makes an application that hands requests on to a back end, over a protocol whose requests are variables of CGI. */
export function makeCgiApplication<Options extends object>(
  options: CgiApplicationOptions & Options,
  speech: CgiApplicationSpeech<Options>,
): BackEndApplication {
  if (typeof options !== "object" || options === null) throw new TypeError("the options are an object: { socket } at least");
  const { socket, downSeconds = 10, variables = {}, forwarded = "drop", gatherBytes = 1024 * 1024, ...rest } = options;
  if (forwarded !== "drop" && forwarded !== "keep") throw new TypeError('forwarded is "drop" or "keep"');
  if (typeof downSeconds !== "number" || !(downSeconds >= 0)) throw new RangeError("downSeconds is a number from 0");
  if (!Number.isSafeInteger(gatherBytes) || gatherBytes < 0) throw new RangeError("gatherBytes is a whole number of bytes");
  if (typeof variables !== "function" && (typeof variables !== "object" || variables === null))
    throw new TypeError("variables is an object, or a function that makes one of an environ");
  const sockets = (Array.isArray(socket) ? socket : [socket]) as readonly (string | ConnectTo)[];
  const clients = sockets.map((one) =>
    speech.makeClient({ maxConnections: 128, ...(rest as unknown as Options), connect: parseConnectTo(one) }),
  );
  const client = severalClients<GatewayRequest>(clients, { downSeconds });
  const rules: VariableRules = { forwarded, variables: typeof variables === "function" ? variables : () => variables };

  const ask = async (environ: Environ): ReturnType<GatewayClient["request"]> => {
    const { signal } = environ["gateway.exchange"];
    const body = await sized(await environBody(environ), speech.sendsUnknownLength ? undefined : gatherBytes);
    const all = environVariables(environ, body.length, rules);
    speech.checkVariables?.(all);
    const onErrors = (text: string): void => environ["wsgi.errors"].write(printable(text));
    return client.request({ variables: all, body: body.chunks, signal, onErrors });
  };
  return backEndApplication(ask, () => client.close());
}

/** Lines of a log, in which nobody writes a line or a colour of his own. */
function printable(text: string): string {
  return `${text.trimEnd().replaceAll(/[^\n\t\x20-\x7e]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0")}`)}\n`;
}

/** @param gatherBytes `undefined` where a length is not needed. */
function sized(body: EnvironBody, gatherBytes: number | undefined): EnvironBody | Promise<EnvironBody> {
  if (body.length !== undefined || body.chunks === undefined || gatherBytes === undefined) return body;
  if (gatherBytes === 0) throw new HTTPError(411);
  return gathered(body.chunks, gatherBytes);
}
