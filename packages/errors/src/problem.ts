import { isHTTPError, statusLine, type HeaderList } from "@gateway/core";

/** What strangers may know of an error. */
export interface Problem {
  /** `404`. */
  readonly code: number;
  /** `"404 Not Found"`. */
  readonly status: string;
  /** The status in words: `"Not Found"`. */
  readonly title: string;
  /** What an `HTTPError` says beyond its status. A text of the application, perhaps with words of the client: not HTML. */
  readonly detail: string | undefined;
  /** The id under which it is in the log; `undefined` where there was nothing to log. */
  readonly id: string | undefined;
}

/** A {@link Problem}, and how it is to be answered. */
export interface Verdict extends Problem {
  /** More headers for the answer, without a length and a type. A list of its own. */
  readonly headers: HeaderList;
  /** The type of an `HTTPError` that says itself what its message is. */
  readonly type: string | undefined;
  /** What belongs into the log; `undefined` where the application meant just that answer. */
  readonly toLog: unknown;
}

/**
 * What is to be answered for an error: what an `HTTPError` says; 503 where the application was stopped by a time limit, or because the server
 * stops; else a 500 that tells nothing.
 *
 * @param makeId is called where there is something to log.
 */
export function judge(error: unknown, makeId: () => string): Verdict {
  if (!isHTTPError(error)) return plain(wasStopped(error) ? 503 : 500, error, makeId());
  const toLog: unknown = error.cause;
  const { code, title } = splitStatus(error.status);
  let type: string | undefined;
  const headers = error.headers.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (lower === "content-type") type ??= value;
    return lower !== "content-type" && lower !== "content-length";
  });
  const detail = error.message === error.status || error.message === "" ? undefined : error.message;
  return { code, status: error.status, title, detail, id: toLog === undefined ? undefined : makeId(), headers, type, toLog };
}

/** The answer for what nobody meant. */
export function plain(code: number, toLog: unknown, id: string): Verdict {
  const status = statusLine(code);
  return { code, status, title: status.slice(4), detail: undefined, id, headers: [], type: undefined, toLog };
}

/** The code and the words of a status. */
export function splitStatus(status: string): { readonly code: number; readonly title: string } {
  const title = status.slice(4);
  return { code: Number(status.slice(0, 3)), title: title === "" ? status : title };
}

/** An application that hands `signal` on gets its reason back, or an AbortError that has it for a cause. */
function wasStopped(error: unknown): boolean {
  const code = codeOf(error) ?? (error instanceof Error ? codeOf(error.cause) : undefined);
  return code === "TIME_LIMIT" || code === "SERVER_STOPPING";
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
