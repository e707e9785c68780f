export { ClientError } from "@gateway/sockets";
export type {
  ClientErrorCode,
  ClientOptions,
  ConnectTo,
  GatewayBody,
  GatewayClient,
  GatewayRequest,
  GatewayResponse,
} from "@gateway/sockets";
export { makeClient } from "./client-pool.ts";
export type { FastcgiClientOptions } from "./client-options.ts";
