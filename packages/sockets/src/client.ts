/** What the clients of all protocols give to those who use them. */
export type { BackEndApplication } from "./back-end-application.ts";
export { ClientError, type ClientErrorCode } from "./client-error.ts";
export type { ClientOptions, ConnectTo } from "./client-options.ts";
export type { GatewayBody, GatewayClient, GatewayRequest, GatewayResponse } from "./gateway-client.ts";
