export { makeServer } from "./scgi-server.ts";
export type { GatewayServer, RefusedRequest, ServerAddress, SingleRequestOptions as ScgiOptions } from "@gateway/sockets";
