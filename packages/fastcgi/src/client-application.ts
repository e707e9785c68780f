import { makeCgiApplication, type BackEndApplication, type CgiApplicationOptions } from "@gateway/sockets";
import type { FastcgiClientOptions } from "./client-options.ts";
import { makeClient } from "./client-pool.ts";
import { phpVariables, type PhpSite } from "./php-variables.ts";

/** Settings of {@link fastcgiApp}. */
export interface FastcgiAppOptions extends CgiApplicationOptions, Omit<FastcgiClientOptions, "connect"> {
  /**
   * For PHP-FPM: where the scripts lie, on the machine of the back end (default: the back end is told of no files). Sets SCRIPT_FILENAME,
   * SCRIPT_NAME, PATH_INFO and DOCUMENT_ROOT.
   */
  php?: PhpSite;
  /**
   * What becomes of a request body without a Content-Length: `"gather"` reads it first, `"stream"` sends it as it comes (default `"gather"`, for
   * PHP-FPM and uWSGI take it for none otherwise; servers of Gateway can stream).
   */
  unknownLength?: "gather" | "stream";
}

/**
 * Makes an application that hands requests on to a FastCGI server, such as PHP-FPM, and streams its answers.
 *
 * A connection is kept for the next request. Where one that was kept turns out to be closed before a byte of the answer came, the request is sent
 * once more, if it is idempotent and nothing of its body was taken.
 *
 * @throws {TypeError|RangeError} for an option that does not exist, or a value that makes no sense.
 */
export function fastcgiApp(options: FastcgiAppOptions): BackEndApplication {
  const { php, unknownLength = "gather", variables, ...rest } = options;
  if (unknownLength !== "gather" && unknownLength !== "stream") throw new TypeError('unknownLength is "gather" or "stream"');
  return makeCgiApplication<Omit<FastcgiClientOptions, "connect">>(
    { ...rest, variables: php === undefined ? (variables ?? {}) : phpVariables(php, variables) },
    { makeClient, sendsUnknownLength: unknownLength === "stream" },
  );
}
