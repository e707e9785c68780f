// Compiled, never run: a line that must not compile says so, and the compiler complains where it does.
import { compose, layer } from "./compose.ts";
import type { Application, Environ, Middleware, ResponseBody, StartResponse } from "./contract.ts";

interface SessionEnviron {
  "test.session": { user: string };
}
interface RouteEnviron {
  "test.params": Record<string, string>;
}
interface IdEnviron {
  "test.id": string;
}

declare const log: Middleware;
declare const sessions: Middleware<SessionEnviron>;
declare const otherSessions: Middleware<{ "test.session": number }>;
declare const router: Middleware<RouteEnviron>;
declare const ids: Middleware<IdEnviron>;
/** Needs a session. */
declare const login: Middleware<unknown, SessionEnviron>;
/** Needs a session, adds an id. */
declare const audit: Middleware<IdEnviron, SessionEnviron>;
/** No layer of ours: a function from application to application. */
declare const plainLayer: (app: Application) => Application;

declare const bare: Application;
declare const withSession: Application<Environ & SessionEnviron>;
declare const withAll: Application<Environ & SessionEnviron & RouteEnviron & IdEnviron>;

const served = (app: Application): Application => app;

// The right order.
served(compose()(bare));
served(compose(log)(bare));
served(compose(log, sessions)(withSession));
served(compose(sessions, log)(withSession));
served(compose(log, sessions, router, ids)(withAll));
served(compose(sessions, login)(bare));
served(compose(log, sessions, log, login, log)(withSession));
served(compose(sessions, audit, router)(withAll));
served(compose(log, sessions, ids, router, log, login, log, log, log, log, log, log)(withAll));
served(compose(log, plainLayer)(bare));
served(compose(log, sessions)(bare));

// Inline applications know what the layers add.
served(
  compose(
    sessions,
    router,
  )((environ, startResponse) => {
    startResponse("200 OK", []);
    environ["test.session"].user satisfies string;
    environ["test.params"]["id"] satisfies string | undefined;
    environ.PATH_INFO satisfies string;
    return [];
  }),
);
served(
  compose(sessions)(async function* (environ, startResponse) {
    startResponse("200 OK", []);
    yield Buffer.from(environ["test.session"].user);
  }),
);
served(
  compose(sessions)(function* (environ, startResponse) {
    startResponse("200 OK", []);
    yield Buffer.from(environ["test.session"].user);
  }),
);
served(
  compose(sessions)(async (environ, startResponse) => {
    startResponse("200 OK", []);
    return [Buffer.from(environ["test.session"].user)];
  }),
);
compose(sessions)((environ, startResponse) => {
  startResponse("200 OK", []);
  // @ts-expect-error: no layer adds that
  environ.session satisfies object;
  // @ts-expect-error: another type
  environ["test.session"].user satisfies number;
  return [];
});

// A misplaced layer.
// @ts-expect-error: sessions stands inside login, which needs it
compose(login, sessions);
// @ts-expect-error: and between others too
compose(log, login, log, sessions, log);
// @ts-expect-error: as it does with a layer that also adds
compose(audit, sessions);

// A layer that is missing shows where the onion meets the server.
// @ts-expect-error: nobody adds the session
served(compose(log)(withSession));
// @ts-expect-error: nobody adds the session that login needs
served(compose(log, login)(bare));
// @ts-expect-error: nobody adds the route
served(compose(log, sessions)(withAll));
// @ts-expect-error: an application that needs a session is no plain one
served(withSession);

// A layer that adds the key with another type.
// @ts-expect-error: the session is a number there
compose(otherSessions, login);
// @ts-expect-error: and here for the application
served(compose(otherSessions)(withSession));

// What is missing stays open: a partial onion is a middleware.
const partial = compose(log, login, router);
partial satisfies Middleware<RouteEnviron, SessionEnviron>;
served(compose(sessions, partial)(bare));
served(compose(sessions, partial, ids)(withAll));
// @ts-expect-error: what stays open must be closed
served(partial(bare));
// @ts-expect-error: and outside of it
compose(partial, sessions);

// Nested compose, also inline.
served(compose(log, compose(sessions, login), compose(router, compose(ids)))(withAll));
served(compose(compose(compose(sessions)))(withSession));
// @ts-expect-error: in the wrong order inside
compose(log, compose(login, sessions));
// @ts-expect-error: in the wrong order across
compose(compose(log, login), compose(sessions, router));

// Direct nesting.
served(log(sessions(withSession)));
served(sessions(log(withSession)));
served(sessions(login(bare)));
served(sessions(audit(withSession)));
served(
  sessions((environ, startResponse) => {
    startResponse("200 OK", []);
    return [Buffer.from(environ["test.session"].user)];
  }),
);
served(
  sessions(async function* (environ, startResponse) {
    startResponse("200 OK", []);
    yield Buffer.from(environ["test.session"].user);
  }),
);
// @ts-expect-error: outside of login nobody adds the session
served(login(sessions(bare)));
// @ts-expect-error: nobody adds it at all
served(log(withSession));

// Generic applications and layers.
function greet<E extends Environ & SessionEnviron>(
  environ: E,
  startResponse: StartResponse,
  tell?: (environ: E) => void,
): ResponseBody {
  startResponse("200 OK", []);
  tell?.(environ);
  return [Buffer.from(environ["test.session"].user)];
}
served(sessions(greet));
served(compose(log, sessions)(greet));
// @ts-expect-error: it needs a session
served(compose(log)(greet));
function wrap<E extends Environ>(app: Application<E & SessionEnviron>): Application<E> {
  return sessions(app);
}
served(wrap(withSession));

// One interface that extends several environs.
interface MyEnviron extends Environ, SessionEnviron, RouteEnviron, IdEnviron {}
declare const mine: Application<MyEnviron>;
served(compose(sessions, router, ids)(mine));
served(compose(ids, compose(router, sessions))(mine));
// @ts-expect-error: one is missing
served(compose(sessions, router)(mine));

// Writing layers.
layer<SessionEnviron>((app) => (environ, startResponse) => {
  environ["test.session"]?.user satisfies string | undefined;
  environ["test.session"] = { user: "x" };
  return app(environ, startResponse);
}) satisfies Middleware<SessionEnviron>;
layer<IdEnviron, SessionEnviron>((app) => (environ, startResponse) => {
  environ["test.id"] = environ["test.session"].user;
  return app(environ, startResponse);
}) satisfies Middleware<IdEnviron, SessionEnviron>;
layer((app) => (environ, startResponse) => app(environ, startResponse)) satisfies Middleware;
layer<SessionEnviron>((app) => (environ, startResponse) => {
  // @ts-expect-error: another type than the layer says
  environ["test.session"] = "x";
  return app(environ, startResponse);
});
// @ts-expect-error: a layer gives an application
layer(() => 5);

// What is no layer.
// @ts-expect-error: a number
compose(5);
// @ts-expect-error: an application that was not wrapped
compose(log, 5, sessions);
