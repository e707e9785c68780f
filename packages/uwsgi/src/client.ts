import type { CgiVariables } from "@gateway/core/gateway";
import { HTTPError } from "@gateway/core";
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

/** What only this client has. */
export interface UwsgiClientOptions extends ClientOptions {
  /** What the server shall do with the request (default 0: WSGI; 30 has it take SCRIPT_NAME off PATH_INFO, 14 is CGI …). */
  modifier1?: number;
  /** The other modifier (default 0). */
  modifier2?: number;
}

/**
 * Makes a client of a server that speaks the uwsgi protocol. Each request has a connection of its own, as the protocol wants it.
 *
 * Responses without a `Content-Length` end where the server closes the connection: one that breaks off in an orderly way looks whole there,
 * and nothing in the protocol could tell.
 *
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function makeClient(options: UwsgiClientOptions): GatewayClient {
  const settings = clientSettings(options, {
    defaults: { modifier1: 0, modifier2: 0 },
    numbers: { modifier1: "whole", modifier2: "whole" },
  });
  const { modifier1, modifier2 } = settings;
  for (const [name, value] of Object.entries({ modifier1, modifier2 }))
    if (value > 255) throw new RangeError(`${name} is one byte: 0 to 255, not ${value}`);
  return makeSingleRequestClient(
    { packet: (variables) => uwsgiPacket(variables, modifier1, modifier2), statusLine: true },
    settings,
  );
}

/** Settings of {@link uwsgiApp}. */
export interface UwsgiAppOptions extends CgiApplicationOptions, Omit<UwsgiClientOptions, "connect"> {}

/**
 * Makes an application that hands requests on to a server that speaks the uwsgi protocol, and streams its answers. Each request has a connection of
 * its own. One whose variables are longer than the 64 KiB that the protocol can carry is answered with 431.
 *
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function uwsgiApp(options: UwsgiAppOptions): BackEndApplication {
  return makeCgiApplication(options, { makeClient, sendsUnknownLength: false, checkVariables });
}

const maxBytes = 65_535;

function checkVariables(variables: CgiVariables): void {
  let bytes = 0;
  for (const text of variables) bytes += 2 + text.length;
  if (bytes > maxBytes) throw new HTTPError(431);
}

/**
 * A request before its body.
 *
 * @throws {RangeError} for variables of more than 64 KiB, which the protocol cannot carry.
 */
export function uwsgiPacket(variables: CgiVariables, modifier1: number, modifier2: number): Buffer {
  let block = "";
  for (const text of variables) {
    if (text.length > maxBytes) throw tooLong();
    block += String.fromCharCode(text.length & 0xff, text.length >> 8) + text;
  }
  if (block.length > maxBytes) throw tooLong();
  const header = String.fromCharCode(modifier1, block.length & 0xff, block.length >> 8, modifier2);
  return Buffer.from(header + block, "latin1");
}

function tooLong(): RangeError {
  return new RangeError(`the variables of a request are longer than the ${maxBytes} bytes that the uwsgi protocol can carry`);
}
