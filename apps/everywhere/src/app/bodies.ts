import type { Application } from "@gateway/core";
import { json, text } from "./answers.ts";

/**
 * The request body, back again. Only once it is there as a whole: most front servers send all of a request before they take any of the
 * response, and two that wait for each other to read wait for ever.
 */
export const echo: Application = async (environ, startResponse) => {
  const body = await environ["wsgi.input"].read();
  startResponse("200 OK", [["Content-Type", environ.CONTENT_TYPE ?? "application/octet-stream"]]);
  return [body];
};

/** How long the request body is, read chunk by chunk. */
export const size: Application = async (environ, startResponse) => {
  let bytes = 0;
  for await (const chunk of environ["wsgi.input"]) bytes += chunk.length;
  return json(startResponse, { bytes, announced: environ.CONTENT_LENGTH ?? null });
};

/** Answers without reading the body. */
export const unread: Application = (_environ, startResponse) => text(startResponse, "not read\n");
