export { httpApp } from "./http-app.ts";
export type { HttpAppOptions } from "./options.ts";
export type { ForwardedHeader } from "./forwarded-headers.ts";
export { ClientError, type BackEndApplication, type ClientErrorCode, type ClientLimits } from "@gateway/sockets";
