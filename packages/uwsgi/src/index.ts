export { makeServer } from "./uwsgi-server.ts";
export type { GatewayServer, RefusedRequest, ServerAddress, SingleRequestOptions as UwsgiOptions } from "@gateway/sockets";
