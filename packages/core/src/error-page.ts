import type { HeaderList } from "./contract.ts";
import { checkHead, type Head } from "./head.ts";
import { isHTTPError } from "./http-error.ts";

/** A whole response about an error. */
export interface ErrorPage {
  readonly head: Head;
  readonly bytes: Uint8Array;
  /** It is what the application wanted to say. */
  readonly intended: boolean;
}

const encoder = new TextEncoder();

/**
 * The response for an error that nobody caught: what an `HTTPError` says, or a 500 that tells nothing.
 *
 * @param report is told what the response does not say: of an `HTTPError` what caused it, or why it cannot be sent as it is.
 */
export function errorPage(error: unknown, report: (problem: unknown) => void): ErrorPage {
  if (!isHTTPError(error)) {
    report(error);
  } else {
    if (error.cause !== undefined) report(error.cause);
    try {
      // The message is the body, so the length is ours to tell.
      const headers = error.headers.filter(([name]) => name.toLowerCase() !== "content-length");
      if (!headers.some(([name]) => name.toLowerCase() === "content-type"))
        headers.push(["Content-Type", "text/plain; charset=utf-8"]);
      return page(error.status, headers, error.message, true);
    } catch (unfit) {
      // A status or headers that may not be sent: the 500 that the application would have got from startResponse.
      report(unfit);
      report(error);
    }
  }
  const status = "500 Internal Server Error";
  return page(status, [["Content-Type", "text/plain; charset=utf-8"]], status, false);
}

function page(status: string, headers: HeaderList, text: string, intended: boolean): ErrorPage {
  return { head: checkHead(status, headers), bytes: encoder.encode(`${text}\n`), intended };
}
