import type { Environ } from "@gateway/core";
import { byAddress, type RateLimitOptions } from "@gateway/rate-limit";

/** The largest request body, in bytes: an entry of a thousand characters, each an emoji that a form writes in twelve, is far below. */
export const bodyBytes: number = 64 * 1024;

const address = byAddress();

/** Passwords that may be tried from one address. A limit that cannot count lets nobody try. */
export const signInLimit: RateLimitOptions = {
  name: "sign-in",
  limit: 10,
  windowSeconds: 60,
  key: (environ) => (isPostTo(environ, ["/sign-in", "/join"]) ? address(environ) : undefined),
  whenStoreFails: "refuse",
};

/** Entries that may be written from one address. */
export const writeLimit: RateLimitOptions = {
  name: "write",
  limit: 60,
  windowSeconds: 60,
  key: (environ) => (isPostTo(environ, ["/entries", "/api/entries"]) ? address(environ) : undefined),
};

function isPostTo(environ: Environ, paths: readonly string[]): boolean {
  return environ.REQUEST_METHOD === "POST" && paths.includes(environ.PATH_INFO);
}
