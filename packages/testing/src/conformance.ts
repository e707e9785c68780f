export { gatewayCases } from "./conformance/table.ts";
export { applicationFor, gatewayConformance, runCase, type ConformanceOptions } from "./conformance/run-case.ts";
export { memoryTransport } from "./conformance/memory-transport.ts";
export {
  cgiTransport,
  type CgiListening,
  type CgiRequest,
  type CgiResponse,
  type CgiTransportOptions,
} from "./conformance/cgi-transport.ts";
export { CgiServers, type CgiServersOptions, type CgiServerTransport } from "./conformance/cgi-servers.ts";
export { unseenDepartures, unseenTruncations } from "./conformance/lacks.ts";
export { errorsTo } from "./errors-to.ts";
export { answerCases, CaseProcess, type AnsweredCases } from "./conformance/other-process.ts";
export { httpTransport, type ConnectTo, type HttpTransportOptions, type Listening } from "./conformance/http-transport.ts";
export type {
  AfterNote,
  Area,
  CaseRequest,
  ConformanceCase,
  ConformanceRequest,
  ConformanceResponse,
  Expectation,
  ExpectedHeaders,
  Probe,
  RunningTransport,
  TestRunner,
  Transport,
  TransportHooks,
} from "./conformance/types.ts";
