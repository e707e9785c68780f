import type { Environ, HeaderList, ResponseBody, StartResponse } from "@gateway/core";

/** Answers 200 with a value as JSON. */
export function json(startResponse: StartResponse, value: unknown, headers: Readonly<HeaderList> = []): ResponseBody {
  startResponse("200 OK", [["Content-Type", "application/json"], ...headers]);
  return [Buffer.from(`${JSON.stringify(value)}\n`)];
}

/** Answers 200 with text. */
export function text(startResponse: StartResponse, value: string): ResponseBody {
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  return [Buffer.from(value)];
}

/** A parameter of the query: small letters, digits and dashes only, since it may go to the log. */
export function parameter(environ: Environ, name: string): string | undefined {
  const value = new URLSearchParams(environ.QUERY_STRING).get(name) ?? "";
  return /^[a-z0-9-]{1,60}$/.test(value) ? value : undefined;
}
