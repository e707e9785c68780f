export { ClientError } from "@gateway/sockets";
export type {
  BackEndApplication,
  ClientErrorCode,
  ClientOptions,
  ConnectTo,
  GatewayBody,
  GatewayClient,
  GatewayRequest,
  GatewayResponse,
} from "@gateway/sockets";
export { makeClient } from "./client-pool.ts";
export { fastcgiApp, type FastcgiAppOptions } from "./client-application.ts";
export type { PhpSite } from "./php-variables.ts";
export type { FastcgiClientOptions } from "./client-options.ts";
