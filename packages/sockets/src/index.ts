export { GatewayServer } from "./gateway-server.ts";
export { allowedPeers, type AllowedPeers } from "./allowed-peers.ts";
export { HandedConnections } from "./handed-connections.ts";
export { parseListening, withoutMapping, type Listening, type ServerAddress } from "./address.ts";
export { removeStaleSocket } from "./unix-socket.ts";
export { checkSocketDescriptor } from "./descriptor.ts";
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
export { BodyPieces } from "./body-pieces.ts";
export { GatheredBytes } from "./gathered-bytes.ts";
export { resetConnection } from "./reset.ts";
export { Refusal } from "./refusal.ts";
export { refusalAnswer, type RefusalAnswer } from "./refusal-answer.ts";
export { RequestBodyPace, type PaceLimits } from "./request-body-pace.ts";
export { RequestBody, type BodyConnection } from "./request-body.ts";
export { checkNumbers, listenerDefaults, listenerNumbers, settle, type NumberKind } from "./settings.ts";
export { SocketInput } from "./socket-input.ts";
export { SocketOutput } from "./socket-output.ts";
export type { TlsFacts } from "./tls.ts";
export {
  cgiServerDefaults,
  settleCgiServer,
  type CgiServerOptions,
  type CgiServerParts,
  type CgiServerSettings,
} from "./cgi-server-options.ts";
export {
  singleRequestServer,
  type MakeSingleRequestServer,
  type PacketReader,
  type SingleRequestOptions,
  type SingleRequestProtocol,
} from "./single-request.ts";
export { ClientClock, type Ticking } from "./client-clock.ts";
export { ClientError, type ClientErrorCode } from "./client-error.ts";
export {
  clientLimitDefaults,
  clientLimitNumbers,
  clientSettings,
  open,
  type ClientLimits,
  type ClientOptions,
  type ClientSettings,
  type ConnectTo,
} from "./client-options.ts";
export {
  announcedLength,
  variablesOf,
  type GatewayBody,
  type GatewayClient,
  type GatewayRequest,
  type GatewayResponse,
} from "./gateway-client.ts";
export { IncomingBody, type ResponseSource } from "./incoming-body.ts";
export { IncomingResponse } from "./incoming-response.ts";
export { OutgoingBody, type BodyTarget } from "./outgoing-body.ts";
export { isIdempotent } from "./idempotent.ts";
export { headerField, malformed, withoutBlanks } from "./header-field.ts";
export { parseHead, ResponseHeadReader, type HeadRules, type ResponseHead } from "./response-head.ts";
export { ServerPatience, type PatienceLimits, type Waited } from "./server-patience.ts";
export { makeSingleRequestClient, type SingleRequestSpeech } from "./single-request-client.ts";
export { WaitingQueue, type Queued, type QueueLimits } from "./waiting-queue.ts";
export { backEndApplication, type BackEndApplication } from "./back-end-application.ts";
export { makeCgiApplication, type CgiApplicationOptions, type CgiApplicationSpeech } from "./cgi-application.ts";
export { endToEndHeaders } from "./end-to-end.ts";
export { environBody, type EnvironBody } from "./environ-body.ts";
export { severalClients, type ClientOf, type SeveralSettings } from "./several-clients.ts";
