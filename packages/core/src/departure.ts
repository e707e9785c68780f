import { isHTTPError } from "./http-error.ts";

/** Is it the reason of a signal that was aborted because the client left? */
export function isDeparture(reason: unknown): boolean {
  return typeof reason === "object" && reason !== null && "code" in reason && reason.code === "CLIENT_GONE";
}

/**
 * Of an error that comes when the client has left: does it say only that, or only what the client would have been told? Neither is
 * news to anybody.
 *
 * @param abortReason of the signal. @param reason why the response ended.
 */
export function isNoNews(error: unknown, abortReason: unknown, reason: unknown): boolean {
  if (error === abortReason || typeof error !== "object" || error === null) return error === abortReason;
  // Functions of Node that take a signal reject with an AbortError whose cause is its reason.
  const { cause } = error as { cause?: unknown };
  return cause === undefined ? isHTTPError(error) : cause === abortReason || cause === reason;
}
