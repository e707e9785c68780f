export { comparedRequests, type ComparedRequest } from "./adapters/compared-requests.ts";
export {
  clientOf,
  comparedServers,
  type ComparedGateways,
  type ComparedListener,
  type ComparedServer,
  type ComparedSettings,
  type ListeningAddress,
} from "./adapters/compared-servers.ts";
export { listen } from "./adapters/listen.ts";
export { withoutFraming, type ComparedResponse } from "./adapters/without-framing.ts";
