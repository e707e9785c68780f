export type * from "@gateway/sockets/client";
export { ClientError } from "@gateway/sockets/client";
export { makeClient } from "./client-pool.ts";
export { fastcgiApp, type FastcgiAppOptions } from "./client-application.ts";
export type { PhpSite } from "./php-variables.ts";
export type { FastcgiClientOptions } from "./client-options.ts";
