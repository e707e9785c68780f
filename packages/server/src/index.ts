export { makeServer } from "./server.ts";
export type { GatewayServer, RefusedRequest, ServerAddress, TlsFacts } from "@gateway/sockets";
export type { ServerOptions } from "./options.ts";
export type { ParserLimits } from "./limits.ts";
