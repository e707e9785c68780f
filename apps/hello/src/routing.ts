import type { Application, Environ } from "@gateway/core";

/** What {@link route} adds: the groups of the regular expression that matched. */
export interface RouteEnviron {
  "hello.url_args": readonly string[];
}

/** An application that a path leads to. */
export type Route = readonly [path: RegExp, app: Application<Environ & RouteEnviron>];

/** `/`: what there is. */
const index: Application = (_environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/html; charset=utf-8"]]);
  return [Buffer.from('<h1>Hello</h1>\n<p>Try <a href="/hello/Ada">/hello/Ada</a>.</p>\n')];
};

/** `/hello` and `/hello/<name>`: greets somebody. What a visitor sent is escaped, or it could bring a script of its own. */
const hello: Application<Environ & RouteEnviron> = (environ, startResponse) => {
  const [name = "world"] = environ["hello.url_args"];
  startResponse("200 OK", [["Content-Type", "text/html; charset=utf-8"]]);
  return [Buffer.from(`<p>Hello ${escapeHtml(name)}!</p>\n`)];
};

/** Everything else. */
const notFound: Application = (environ, startResponse) => {
  startResponse("404 Not Found", [["Content-Type", "text/html; charset=utf-8"]]);
  return [Buffer.from(`<p>There is nothing at ${escapeHtml(environ.PATH_INFO)}.</p>\n`)];
};

/** Makes one application out of many: the first whose expression matches the path answers. */
export function route(routes: readonly Route[], otherwise: Application): Application {
  return (environ, startResponse) => {
    for (const [path, app] of routes) {
      const match = path.exec(environ.PATH_INFO);
      // A group that took no part in the match is left out: `[name = "world"]` then takes its default.
      const args = match?.slice(1).filter((group) => group !== undefined);
      if (args !== undefined) return app(Object.assign(environ, { "hello.url_args": args }), startResponse);
    }
    return otherwise(environ, startResponse);
  };
}

/** Text as HTML, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const app: Application = route(
  [
    [/^\/$/, index],
    [/^\/hello(?:\/([^/]+))?\/?$/, hello],
  ],
  notFound,
);
export default app;
