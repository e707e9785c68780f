export { makeServer, type GatewayServer } from "./server.ts";
export type { ServerAddress } from "./address.ts";
export type { RefusedRequest, ServerOptions } from "./options.ts";
export type { ParserLimits } from "./limits.ts";
export type { TlsFacts } from "./tls.ts";
