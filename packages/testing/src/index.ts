export { client, Client, type ClientOptions, type OpenInit } from "./client.ts";
export type { RequestInit } from "./client-request.ts";
export { ClientResponse, MissingErrors, ResponseAborted, UnexpectedErrors } from "./response.ts";
export { OpenResponse } from "./open-response.ts";
export { Cookies, type StoredCookie } from "./cookies.ts";
export { buildEnviron, type EnvironRequest } from "./environ.ts";
export { encodeMultipart, type MultipartFile, type MultipartValue } from "./multipart.ts";
export type { BodyInit } from "./request-body.ts";
