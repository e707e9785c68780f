import { layer, type Middleware } from "@gateway/core";

/** What {@link sessions} adds. */
export interface SessionEnviron {
  "gateway.session": Map<string, string>;
}

/** What {@link router} adds. */
export interface RouterEnviron {
  "gateway.route": { readonly parameters: readonly string[] };
}

/** What {@link login} adds. */
export interface UserEnviron {
  "gateway.user": { readonly name: string };
}

/** A layer that adds nothing and needs nothing. */
export function plain(): Middleware {
  return layer((app) => app);
}

export function sessions(): Middleware<SessionEnviron> {
  return layer<SessionEnviron>((app) => (environ, startResponse) => {
    environ["gateway.session"] = new Map();
    return app(environ, startResponse);
  });
}

export function router(): Middleware<RouterEnviron> {
  return layer<RouterEnviron>((app) => (environ, startResponse) => {
    environ["gateway.route"] = { parameters: [] };
    return app(environ, startResponse);
  });
}

/** Needs the session, adds the user. */
export function login(): Middleware<UserEnviron, SessionEnviron> {
  return layer<UserEnviron, SessionEnviron>((app) => (environ, startResponse) => {
    environ["gateway.user"] = { name: environ["gateway.session"].get("name") ?? "" };
    return app(environ, startResponse);
  });
}

/** Needs the session and the user, adds nothing. */
export function audit(): Middleware<unknown, SessionEnviron & UserEnviron> {
  return layer<unknown, SessionEnviron & UserEnviron>((app) => app);
}

/** Adds the session with another type than everybody else. */
export function oddSessions(): Middleware<{ "gateway.session": number }> {
  return layer<{ "gateway.session": number }>((app) => app);
}
