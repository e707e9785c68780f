import type { Environ, HeaderList, ResponseBody, StartResponse } from "@gateway/core";
import { pageFor, type AnswerOptions } from "./answer.ts";
import { splitStatus } from "./problem.ts";

/** The head of an answer for whose status there is a page. */
export interface Silent {
  readonly status: string;
  readonly headers: HeaderList;
}

/** Headers of a representation that is more than its status. */
const telling = new Set(["content-encoding", "etag", "last-modified", "content-disposition", "content-range"]);
/** More than any status line is long. */
const maxSilentBytes = 200;
const replaced = new Set(["content-type", "content-length", "vary"]);

/**
 * The page for a status, instead of an answer that says nothing but that status: an array without a byte, or with the status as plain
 * text. Everything else passes; so does what a client gets that wants no HTML. Not for a response of which bytes were written.
 */
export function ownPage(
  body: ResponseBody,
  { status, headers }: Silent,
  environ: Environ,
  startResponse: StartResponse,
  options: AnswerOptions,
): ResponseBody {
  if (!Array.isArray(body) || !saysNothing(body as readonly Uint8Array[], status, headers, environ.REQUEST_METHOD)) return body;
  const { code, title } = splitStatus(status);
  const html = pageFor({ code, status, title, detail: undefined, id: undefined }, environ, options);
  if (html === undefined) return body;
  const kept = headers.filter(([name]) => !replaced.has(name.toLowerCase()));
  const vary = headers.filter(([name]) => name.toLowerCase() === "vary").map(([, value]) => value);
  const own: HeaderList = [
    ["Content-Type", "text/html; charset=utf-8"],
    ["Content-Length", `${html.length}`],
    ["Vary", [...vary, "Accept"].join(", ")],
    ...kept,
  ];
  const close = (): void | Promise<void> => (body as ResponseBody).close?.();
  try {
    // Nothing was sent yet, so the head can be replaced.
    startResponse(status, own, new Error("replaced by a page"));
  } catch (error) {
    void close();
    throw error;
  }
  return Object.assign([html], (body as ResponseBody).close === undefined ? undefined : { close });
}

function saysNothing(body: readonly Uint8Array[], status: string, headers: HeaderList, method: string): boolean {
  if (headers.some(([name]) => telling.has(name.toLowerCase()))) return false;
  let length = 0;
  for (const chunk of body) if ((length += chunk.byteLength) > maxSilentBytes) return false;
  const text = Buffer.concat(body).toString("latin1");
  // To HEAD, an empty body says nothing about the one that GET would get.
  if (text === "") return method !== "HEAD";
  const type = headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  return type.toLowerCase().startsWith("text/plain") && text.trimEnd() === status;
}
