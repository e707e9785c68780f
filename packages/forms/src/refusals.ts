import { HTTPError, type HeaderList } from "@gateway/core";

/** 413: more than a limit allows. */
export function tooMuch(what: string): HTTPError {
  return new HTTPError(413, what);
}

/** 400, with a reason. */
export function malformed(why: string): HTTPError {
  return new HTTPError(400, why);
}

/** 415, with what would be taken instead (RFC 9110, section 15.5.16). */
export function unsupported(why: string, headers: HeaderList = []): HTTPError {
  return new HTTPError(415, why, { headers });
}
