import {
  compose,
  layer,
  toApplication,
  type Application,
  type ApplicationClass,
  type ApplicationLike,
  type ApplicationObject,
  type Environ,
  type Middleware,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";
import {
  audit,
  login,
  oddSessions,
  plain,
  router,
  sessions,
  type RouterEnviron,
  type SessionEnviron,
  type UserEnviron,
} from "./layers.ts";

// A file that compiles is a test that passes. Each @ts-expect-error is one that fails as soon as the mistake compiles.

declare const bytes: Uint8Array;
declare const simple: Application;
declare const needsSession: Application<Environ & SessionEnviron>;
declare const needsUser: Application<Environ & UserEnviron>;

/** Are the two the same type, and not `any`? */
type Same<A, B> = 0 extends 1 & A ? false : [A] extends [B] ? ([B] extends [A] ? true : false) : false;

true satisfies Same<string, string>;
// @ts-expect-error so that the proof proves something
true satisfies Same<string, string | undefined>;
// @ts-expect-error nor is it another literal
true satisfies Same<string, "text">;

// The right order.

export const direct: Application = sessions()(needsSession);
export const two: Application = compose(sessions(), login())(needsUser);
export const all: Application = compose(
  sessions(),
  login(),
  audit(),
  router(),
)((environ) => {
  true satisfies Same<(typeof environ)["gateway.session"], Map<string, string>>;
  environ["gateway.user"].name satisfies string;
  environ["gateway.route"].parameters satisfies readonly string[];
  return [];
});
export const twelve: Application = compose(
  plain(),
  plain(),
  sessions(),
  plain(),
  plain(),
  router(),
  plain(),
  login(),
  plain(),
  audit(),
  plain(),
  plain(),
)((environ, startResponse) => {
  startResponse("200 OK", [["X-User", environ["gateway.user"].name]]);
  return [bytes];
});
export const none: Application = compose()(simple);
export const one: Application = compose(sessions())(needsSession);
export const stillSimple: Application = compose(sessions(), login())(simple);

// Inline applications of every form know what the layers add.

export const asynchronous: Application = compose(
  sessions(),
  login(),
)(async (environ) => {
  await environ["wsgi.input"].read();
  environ["gateway.user"].name satisfies string;
  return [bytes];
});
export const generating: Application = compose(
  sessions(),
  login(),
)(async function* (environ, startResponse) {
  startResponse("200 OK", [["X-User", environ["gateway.user"].name]]);
  for await (const chunk of environ["wsgi.input"]) yield chunk;
});
export const synchronousGenerator: Application = compose(sessions())(function* (environ, startResponse) {
  startResponse("200 OK", [["X-Session", String(environ["gateway.session"].size)]]);
  yield bytes;
});
export const nestedInline: Application = sessions()(
  login()((environ, startResponse) => {
    startResponse("200 OK", [["X-User", environ["gateway.user"].name]]);
    return [];
  }),
);

// Nested onions.

export const nested: Application = compose(
  plain(),
  compose(sessions(), compose(login(), compose(audit(), router())), plain()),
  plain(),
)((environ) => {
  environ["gateway.user"].name satisfies string;
  environ["gateway.route"].parameters satisfies readonly string[];
  return [];
});
const inner: Middleware<UserEnviron & RouterEnviron, SessionEnviron> = compose(login(), router(), audit());
export const named: Application = compose(sessions(), inner, audit())(needsUser);
compose(plain(), compose(plain(), compose(sessions(), login())))(needsUser) satisfies Application;
// @ts-expect-error the inner onion needs a session that nobody outside it adds
compose(plain(), compose(plain(), compose(login(), audit())))(needsUser) satisfies Application;
// @ts-expect-error the inner onion needs a session, and stands outside the layer that adds it
compose(compose(plain(), compose(login(), plain())), sessions());

// Direct nesting, without compose.

export const nestedDirect: Application = plain()(sessions()(login()(needsUser)));
declare const needsBoth: Application<Environ & SessionEnviron & RouterEnviron>;
export const unrelated: Application = sessions()(router()(needsBoth));
// @ts-expect-error login() needs the session that is added inside it
export const nestedWrong: Application = login()(sessions()(needsUser));

// Partial onions are layers, whose needs stay open.

export const open: Middleware<UserEnviron, SessionEnviron> = compose(login(), plain());
export const openApplication: Application<Environ & SessionEnviron> = compose(login(), audit())(needsUser);
// @ts-expect-error nobody adds the session yet, so this is no whole application
export const notWhole: Application = compose(login(), audit())(needsUser);
// @ts-expect-error and no layer that stands anywhere
export const notAnywhere: Middleware<UserEnviron> = compose(login(), plain());

// The wrong order, and what is forgotten.

// @ts-expect-error login() needs the session, which is added inside it
compose(login(), sessions());
// @ts-expect-error audit() needs the user, which is added inside it
compose(sessions(), audit(), login());
// @ts-expect-error the session that login() needs is added with another type
compose(oddSessions(), login());
// @ts-expect-error sessions() was forgotten
export const forgotten: Application = compose(plain(), router())(needsSession);
// @ts-expect-error sessions() was forgotten around the application itself
export const bare: Application = needsSession;
compose(
  plain(),
  router(),
)((environ) => {
  // @ts-expect-error extension keys are unknown until a layer adds them
  environ["gateway.session"].size satisfies unknown;
  return [];
});

// Environs by interface.

interface Mine extends Environ, SessionEnviron, RouterEnviron {}
const mine: Application<Mine> = (environ, startResponse) => {
  startResponse("200 OK", [["X-Size", String(environ["gateway.session"].size + environ["gateway.route"].parameters.length)]]);
  return [];
};
export const byInterface: Application = compose(sessions(), router())(mine);
export const byInterfaceEitherWay: Application = compose(router(), sessions())(mine);
// @ts-expect-error router() was forgotten
export const byInterfaceForgotten: Application = compose(sessions())(mine);

// Generic applications and layers.

function counted<E extends Environ>(app: Application<E>): Application<E> {
  return (environ, startResponse) => app(environ, startResponse);
}
function greet<E extends Environ & SessionEnviron>(
  environ: E,
  startResponse: StartResponse,
  log?: (environ: E) => void,
): ResponseBody {
  startResponse("200 OK", [["X-Size", String(environ["gateway.session"].size)]]);
  log?.(environ);
  return [];
}
export const genericLayer: Application<Environ & SessionEnviron> = counted(needsSession);
export const genericInside: Application = compose(sessions(), login())(counted(needsUser));
export const genericOutside: Application = counted(compose(sessions(), login())(needsUser));
export const genericApplication: Application = compose(plain(), sessions())(greet);
export const plainFunction: Application = compose(plain(), (app: Application) => app)(simple);
// @ts-expect-error a generic application has needs, too
export const genericForgotten: Application = compose(plain())(greet);

// Writing layers.

export const written: Middleware<UserEnviron, SessionEnviron> = layer<UserEnviron, SessionEnviron>(
  (app) => (environ, startResponse) => {
    true satisfies Same<(typeof environ)["gateway.session"], Map<string, string>>;
    // @ts-expect-error what the layer adds is not there before it adds it
    environ["gateway.user"].name satisfies unknown;
    environ["gateway.user"] = { name: "Ada" };
    return app(environ, (status, headers, excInfo) => {
      headers.push(["X-User", "Ada"]);
      return startResponse(status, headers, excInfo);
    });
  },
);
layer<UserEnviron>((app) => (environ, startResponse) => {
  // @ts-expect-error what it adds has a type
  environ["gateway.user"] = "Ada";
  return app(environ, startResponse);
});
layer(
  (app) => (environ, startResponse) =>
    app(environ, (status, headers, excInfo) => {
      // @ts-expect-error a header is replaced in its list, never changed in place
      for (const header of headers) header[1] = "";
      return startResponse(status, headers, excInfo);
    }),
);

// The environ.

export const environs: Application = (environ) => {
  environ.PATH_INFO satisfies string;
  environ.CONTENT_TYPE satisfies string | undefined;
  environ.HTTP_ACCEPT_LANGUAGE satisfies string | undefined;
  environ["myapp.anything"] satisfies unknown;
  environ["myapp.anything"] = 1;
  environ.CONTENT_LENGTH = undefined;
  // @ts-expect-error a typing mistake is not an extension: those have a dot
  environ.PATH_INF satisfies unknown;
  // @ts-expect-error nor is it one to be set
  environ["SCRIPTNAME"] = "";
  // @ts-expect-error headers are text
  environ.HTTP_X_COUNT = 1;
  // @ts-expect-error an optional key may be missing
  environ.CONTENT_TYPE.length satisfies unknown;
  // @ts-expect-error reading waits
  environ["wsgi.input"].read().length satisfies unknown;
  return [];
};

// The response.

export const empty: Application = () => [];
export const lists: Application = () => [bytes, new Uint8Array(1)];
export const sets: Application = () => new Set([bytes]);
export const closing: Application = () => Object.assign([bytes], { close: () => {} });
export const promised: Application = () => Promise.resolve([bytes]);
// @ts-expect-error a bare chunk would be sent byte by byte: put it into a list
export const bareBytes: Application = () => bytes;
// @ts-expect-error text has no encoding yet: a list of bytes
export const bareText: Application = () => "hello";
// @ts-expect-error nor has text in a list
export const listOfText: Application = () => ["hello"];
// @ts-expect-error nothing is no body: an empty list
export const nothing: Application = () => {};
// @ts-expect-error text, promised
export const promisedText: Application = async () => "hello";
// @ts-expect-error text, generated
export const generatedText: Application = async function* () {
  yield "hello";
};

export const writing: Application = async (_environ, startResponse) => {
  const write = startResponse("200 OK", []);
  await write(bytes);
  // @ts-expect-error write takes bytes
  await write("hello");
  // @ts-expect-error a status is text: "200 OK"
  startResponse(200, []);
  // @ts-expect-error headers are a list of pairs
  startResponse("200 OK", { "Content-Type": "text/plain" });
  // @ts-expect-error a header value is text
  startResponse("200 OK", [["Content-Length", 5]]);
  // @ts-expect-error headers are needed, if only an empty list
  startResponse("200 OK");
  return [];
};

// Applications as classes and as objects.

class Site {
  readonly #start: StartResponse;

  constructor(_environ: Environ, startResponse: StartResponse) {
    this.#start = startResponse;
  }

  *[Symbol.iterator](): Generator<Uint8Array> {
    this.#start("200 OK", []);
    yield bytes;
  }
}
const site: ApplicationObject = { call: () => [bytes] };
Site satisfies ApplicationClass;
export const likes: ApplicationLike[] = [simple, Site, site, { call: async () => [bytes] }];
export const normalised: Application[] = [toApplication(Site), toApplication(site), toApplication(simple)];
// @ts-expect-error a class is not called: toApplication makes a function of it
export const classAsFunction: Application = Site;
// @ts-expect-error nor is an object
export const objectAsFunction: Application = site;
// @ts-expect-error layers wrap functions
compose(plain())(Site);
// @ts-expect-error a function has call, too, but is called itself
export const functionAsObject: ApplicationObject = simple;
// @ts-expect-error no call
export const noApplication: ApplicationLike = { listen: () => [bytes] };
// @ts-expect-error an application that needs a session is none for a server
export const likeNeedsSession: ApplicationLike = needsSession;
