import { isTokenOf, makeSecret, maskSecret } from "./masked-token.ts";

/** What is used of a session: that of `@gateway/sessions`, or any other that remembers a text. */
export interface CsrfSession {
  get(key: string): unknown;
  set(key: string, value: string): void;
}

/** What tokens need: a layer that gives a session. */
export interface CsrfSessionEnviron {
  "gateway.session": CsrfSession;
}

/** Where the secret is in the session. Delete it to make all tokens of the session worthless. */
export const csrfSessionKey = "gateway.csrf";

/**
 * The token for a form or a script of this session: another text each time, all of them good as long as the session is. Makes the secret when the
 * session has none, so call it only for pages that need it, and before the head: it may make a session.
 */
export function csrfToken(environ: CsrfSessionEnviron): string {
  const session = environ["gateway.session"];
  let secret = session.get(csrfSessionKey);
  if (typeof secret !== "string") {
    secret = makeSecret();
    session.set(csrfSessionKey, secret as string);
  }
  return maskSecret(secret as string);
}

/** Is it a token of this session? A session without a secret has none. */
export function isTokenOfSession(environ: CsrfSessionEnviron, token: string): boolean {
  const secret = environ["gateway.session"].get(csrfSessionKey);
  return typeof secret === "string" && isTokenOf(secret, token);
}
