import { HTTPError } from "@gateway/core";

/** For a file that does not hold still: another attempt will find it whole. */
export function beingWritten(): HTTPError {
  return new HTTPError(503, "The file is being written.", { headers: [["Retry-After", "1"]] });
}
