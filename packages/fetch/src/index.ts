export { toFetch, type ToFetchOptions } from "./to-fetch.ts";
export { fromFetch, type ExecutionContext, type FetchHandler, type FromFetchOptions, type GatewayBindings } from "./from-fetch.ts";
