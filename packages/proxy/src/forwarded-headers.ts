import { isIPv6 } from "node:net";
import type { Environ } from "@gateway/core";

/** A header that tells the back end who asked, and how. */
export type ForwardedHeader =
  | "Forwarded"
  | "X-Forwarded-For"
  | "X-Forwarded-Host"
  | "X-Forwarded-Port"
  | "X-Forwarded-Prefix"
  | "X-Forwarded-Proto"
  | "X-Real-IP";

/** All of them. */
export const forwardedHeaders: readonly ForwardedHeader[] = [
  "Forwarded",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
  "X-Forwarded-Proto",
  "X-Real-IP",
];

/** How they are made. */
export interface ForwardingRules {
  readonly headers: readonly ForwardedHeader[];
  /** What becomes of those that came with the request. */
  readonly incoming: "drop" | "append";
  /** The part of the path that the back end is not told of otherwise. */
  readonly isPrefixStripped: boolean;
}

/**
 * The headers that tell the back end who asked (RFC 7239, and those that were there before it), names and values in turn. Their facts are
 * REMOTE_ADDR, the scheme, Host and SERVER_PORT of the environ; where what came is kept, it stands before those.
 */
export function forwardingFields(environ: Environ, rules: ForwardingRules): string[] {
  const fields: string[] = [];
  for (const name of rules.headers) {
    const came = rules.incoming === "append" ? environ[keys[name]] : undefined;
    const value = valueOf(name, environ, came, rules.isPrefixStripped);
    if (value !== undefined && value !== "") fields.push(name, value);
  }
  return fields;
}

const keys: Readonly<Record<ForwardedHeader, `HTTP_${string}`>> = {
  Forwarded: "HTTP_FORWARDED",
  "X-Forwarded-For": "HTTP_X_FORWARDED_FOR",
  "X-Forwarded-Host": "HTTP_X_FORWARDED_HOST",
  "X-Forwarded-Port": "HTTP_X_FORWARDED_PORT",
  "X-Forwarded-Prefix": "HTTP_X_FORWARDED_PREFIX",
  "X-Forwarded-Proto": "HTTP_X_FORWARDED_PROTO",
  "X-Real-IP": "HTTP_X_REAL_IP",
};

function valueOf(name: ForwardedHeader, environ: Environ, came: string | undefined, isPrefixStripped: boolean): string | undefined {
  switch (name) {
    case "Forwarded":
      return joined(came, element(environ));
    case "X-Forwarded-For":
      return joined(came, environ.REMOTE_ADDR);
    case "X-Forwarded-Host":
      return came ?? environ.HTTP_HOST;
    case "X-Forwarded-Port":
      return came ?? environ.SERVER_PORT;
    case "X-Forwarded-Prefix":
      return isPrefixStripped ? (came ?? "") + encodeURI(environ.SCRIPT_NAME) : came;
    case "X-Forwarded-Proto":
      return came ?? environ["wsgi.url_scheme"];
    case "X-Real-IP":
      return came ?? environ.REMOTE_ADDR;
  }
}

function joined(before: string | undefined, one: string | undefined): string | undefined {
  if (before === undefined || before === "") return one;
  return one === undefined || one === "" ? before : `${before}, ${one}`;
}

/** One element of Forwarded. A peer on a Unix socket has no address. */
function element({ REMOTE_ADDR, HTTP_HOST, "wsgi.url_scheme": scheme }: Environ): string {
  const address = REMOTE_ADDR || "unknown";
  const host = HTTP_HOST === undefined ? "" : `;host=${quoted(HTTP_HOST)}`;
  return `for=${isIPv6(address) ? `"[${address}]"` : quoted(address)};proto=${quoted(scheme)}${host}`;
}

/** A token as it is, anything else as a quoted string (RFC 7239, section 4). */
function quoted(value: string): string {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}
