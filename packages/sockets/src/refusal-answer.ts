import { HTTPError, isHTTPError } from "@gateway/core";
import type { Head } from "@gateway/core/gateway";
import { Refusal } from "./refusal.ts";

/** How a request is answered that is not served, and what the log is told of it. */
export interface RefusalAnswer {
  readonly code: number;
  readonly reason: string;
  readonly head: Head;
  /** A line of text; not for HEAD. */
  readonly body: Buffer;
}

/** The answer to a request that could not be read, or may not be served. Of what is neither a `Refusal` nor an `HTTPError` nothing is told. */
export function refusalAnswer(error: unknown): RefusalAnswer {
  const { status, message } = answerOf(error);
  const code = Number(status.slice(0, 3));
  const body = Buffer.from(`${status}: ${message}\n`);
  const headers: [string, string][] = [
    ["Content-Type", "text/plain; charset=utf-8"],
    ["Content-Length", String(body.length)],
  ];
  return { code, reason: message, body, head: { status, code, headers, seen: 0, length: body.length, bodiless: true } };
}

function answerOf(error: unknown): HTTPError {
  if (isHTTPError(error)) return error;
  if (error instanceof Refusal) return new HTTPError(error.code, error.message);
  return new HTTPError(500, "the request could not be read");
}
