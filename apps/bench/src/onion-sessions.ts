import { compose, layer, type Middleware } from "@gateway/core";
import { sessions, type SessionEnviron, type SessionsOptions } from "@gateway/sessions";

interface Data {
  count: number;
}

/** Reads a counter of the session, adds one, and saves it. */
const counter: Middleware<unknown, SessionEnviron<Data>> = layer((app) => (environ, start) => {
  const session = environ["gateway.session"];
  session.set("count", (session.get("count") ?? 0) + 1);
  return app(environ, start);
});

/** A session that each request reads and writes, with a browser before it: the cookie of each answer comes with the next request. */
export function counting(options: Omit<SessionsOptions, "environKey">): Middleware {
  let cookie: string | undefined;
  const browser = layer((app) => (environ, start) => {
    environ.HTTP_COOKIE = cookie;
    return app(environ, (status, headers, excInfo) => {
      const set = headers.find(([name]) => name === "Set-Cookie")?.[1] ?? "";
      cookie = set.slice(0, set.indexOf(";"));
      return start(status, headers, excInfo);
    });
  });
  return compose(browser, sessions<Data>(options), counter);
}
