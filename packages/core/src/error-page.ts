import type { HeaderList } from "./contract.ts";
import { checkHead, type Head } from "./head.ts";
import { isHTTPError } from "./http-error.ts";

const encoder = new TextEncoder();

/** The response for an error that nobody caught: what an `HTTPError` says, or a 500 that tells nothing. */
export function errorPage(error: unknown): { head: Head; bytes: Uint8Array } {
  if (isHTTPError(error)) {
    try {
      // The message is the body, so the length is ours to tell.
      const headers = error.headers.filter(([name]) => name.toLowerCase() !== "content-length");
      if (!headers.some(([name]) => name.toLowerCase() === "content-type"))
        headers.push(["Content-Type", "text/plain; charset=utf-8"]);
      return page(error.status, headers, error.message);
    } catch {
      // Headers that may not be sent: the application gets the 500 it would have got from startResponse.
    }
  }
  return page("500 Internal Server Error", [["Content-Type", "text/plain; charset=utf-8"]], "500 Internal Server Error");
}

function page(status: string, headers: HeaderList, text: string): { head: Head; bytes: Uint8Array } {
  const bytes = encoder.encode(`${text}\n`);
  return { head: checkHead(status, headers), bytes };
}
