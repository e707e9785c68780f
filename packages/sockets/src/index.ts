export { GatewayServer } from "./gateway-server.ts";
export { allowedPeers, type AllowedPeers } from "./allowed-peers.ts";
export { parseListening, type Listening, type ServerAddress } from "./address.ts";
export type {
  Accepted,
  ConnectionHost,
  ListenerOptions,
  ListenerSettings,
  OpenConnection,
  Protocol,
  RefusedRequest,
  SocketFacts,
} from "./protocol.ts";
export { Refusal } from "./refusal.ts";
export { RequestBodyPace, type PaceLimits } from "./request-body-pace.ts";
export { RequestBody, type BodyConnection } from "./request-body.ts";
export { listenerDefaults, listenerNumbers, settle, type NumberKind } from "./settings.ts";
export { SocketInput } from "./socket-input.ts";
export { SocketOutput } from "./socket-output.ts";
export type { TlsFacts } from "./tls.ts";
export {
  makeSingleRequestServer,
  type PacketReader,
  type SingleRequestOptions,
  type SingleRequestProtocol,
} from "./single-request.ts";
