export type {
  Application,
  Environ,
  ErrorStream,
  FileLike,
  Header,
  HeaderList,
  InputStream,
  Middleware,
  ResponseBody,
  StartResponse,
  Write,
} from "./contract.ts";
export { ExchangeAborted, type AbortCode, type Ending, type Exchange } from "./exchange.ts";
export { toApplication, type ApplicationClass, type ApplicationLike, type ApplicationObject } from "./application.ts";
export { compose, layer, type AddsOf, type AnyMiddleware, type Mismatched, type Misplaced, type NeedsOf } from "./compose.ts";
export { explainKey, insideKey, markLayer, type Deployment, type ExplainHook } from "./explain.ts";
export { checkOptionNames } from "./option-names.ts";
export { capture, send, type CapturedResponse } from "./capture.ts";
export { onClose } from "./body.ts";
export { transformBody, type BodyTransform, type Chunks } from "./transform.ts";
export { isThenable, whenReady } from "./thenable.ts";
export { HTTPError, isHTTPError } from "./http-error.ts";
export { statusLine } from "./status.ts";
export { formatParameters, HeaderFields, isHopByHop, isToken } from "./header-fields.ts";
export { FileWrapper } from "./file-wrapper.ts";
export { decodePath, encodePath, rawPath } from "./path.ts";
export { applicationUri, guessScheme, requestUri, shiftPathInfo } from "./uri.ts";
export { setupTestingDefaults } from "./testing-defaults.ts";
