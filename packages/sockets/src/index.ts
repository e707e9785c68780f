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
export { EnvironMakers } from "./environ-makers.ts";
export { GatheredBytes } from "./gathered-bytes.ts";
export { resetConnection } from "./reset.ts";
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
export { ClientClock, type Ticking } from "./client-clock.ts";
export { ClientError, type ClientErrorCode } from "./client-error.ts";
export { clientSettings, open, type ClientOptions, type ClientSettings, type ConnectTo } from "./client-options.ts";
export {
  announcedLength,
  variablesOf,
  type GatewayBody,
  type GatewayClient,
  type GatewayRequest,
  type GatewayResponse,
} from "./gateway-client.ts";
export { IncomingResponse, type ResponseSource } from "./incoming-response.ts";
export { OutgoingBody, type BodyTarget } from "./outgoing-body.ts";
export { parseHead, ResponseHeadReader, type HeadRules, type ResponseHead } from "./response-head.ts";
export { makeSingleRequestClient, type SingleRequestSpeech } from "./single-request-client.ts";
