export {
  forwarded,
  type ForwardedEnviron,
  type ForwardedOptions,
  type ForwardedRequest,
  type ForwardingHeader,
} from "./forwarded.ts";
