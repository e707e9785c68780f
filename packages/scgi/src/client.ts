import { cgiVariable, type CgiVariables } from "@gateway/core/gateway";
import {
  clientSettings,
  makeCgiApplication,
  makeSingleRequestClient,
  type BackEndApplication,
  type CgiApplicationOptions,
  type ClientOptions,
  type GatewayClient,
} from "@gateway/sockets";

export type * from "@gateway/sockets/client";
export { ClientError } from "@gateway/sockets/client";

/**
 * Makes a client of an SCGI server. Each request has a connection of its own, as the protocol wants it.
 *
 * Responses without a `Content-Length` end where the server closes the connection: one that breaks off in an orderly way looks whole there,
 * and nothing in the protocol could tell.
 *
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function makeClient(options: ClientOptions): GatewayClient {
  const settings = clientSettings(options, { defaults: {}, numbers: {} });
  // The format of a response is left open by the protocol: servers send what CGI has, and some a status line.
  return makeSingleRequestClient({ packet: scgiPacket, statusLine: true }, settings);
}

/** Settings of {@link scgiApp}. */
export type ScgiAppOptions = CgiApplicationOptions;

/**
 * Makes an application that hands requests on to an SCGI server, and streams its answers. Each request has a connection of its own.
 *
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function scgiApp(options: ScgiAppOptions): BackEndApplication {
  return makeCgiApplication(options, { makeClient, sendsUnknownLength: false });
}

/**
 * A request before its body: a netstring of the variables, `CONTENT_LENGTH` first, then `SCGI`.
 *
 * @throws {TypeError} for a NUL in a variable.
 */
export function scgiPacket(variables: CgiVariables): Buffer {
  let block = `CONTENT_LENGTH\0${cgiVariable(variables, "CONTENT_LENGTH") || "0"}\0SCGI\x001\0`;
  for (let i = 0; i < variables.length; i += 2) {
    const name = variables[i] ?? "";
    const value = variables[i + 1] ?? "";
    if (name === "CONTENT_LENGTH" || name === "SCGI") continue;
    if (name.includes("\0") || value.includes("\0"))
      throw new TypeError(`a variable of SCGI has no NUL in it: ${JSON.stringify(name)}`);
    block += `${name}\0${value}\0`;
  }
  return Buffer.from(`${block.length}:${block},`, "latin1");
}
