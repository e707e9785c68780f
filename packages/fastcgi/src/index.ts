export { makeServer } from "./fastcgi-server.ts";
export type { FastcgiOptions } from "./options.ts";
export type { GatewayServer, RefusedRequest, ServerAddress } from "@gateway/sockets";
