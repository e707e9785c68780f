// Compiled, never run: a line that must not compile says so, and the compiler complains where it does.
import { compose, type Application, type Environ, type Middleware } from "@gateway/core";
import { mount, router, type PathParams, type RoutingEnviron } from "./index.ts";

/** Two types that are the same: each can stand for the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <A, B>(_proof: Same<A, B>): void => {};

// Params of patterns.
same<PathParams<"/">, {}>(true);
same<PathParams<"/hello/:name">, { readonly name: string }>(true);
same<PathParams<"/:a/:b">, { readonly a: string; readonly b: string }>(true);
same<PathParams<"/:file.:extension">, { readonly file: string; readonly extension: string }>(true);
same<PathParams<"/from-:start-to-:end">, { readonly start: string; readonly end: string }>(true);
same<PathParams<"/files/*path">, { readonly path: readonly string[] }>(true);
same<PathParams<"/archive{/:year}">, { readonly year?: string | undefined }>(true);
same<
  PathParams<"/archive{/:year{/:month}}/:slug">,
  { readonly year?: string | undefined; readonly month?: string | undefined; readonly slug: string }
>(true);
same<PathParams<"/files{/*path}">, { readonly path?: readonly string[] | undefined }>(true);
same<PathParams<'/:"first name"/x'>, { readonly "first name": string }>(true);
same<PathParams<"/a\\:b/:c">, { readonly c: string }>(true);
same<PathParams<"/:größe/:$_1">, { readonly größe: string; readonly $_1: string }>(true);
same<PathParams<string>, Readonly<Record<string, string | readonly string[] | undefined>>>(true);
same<PathParams<RegExp>, Readonly<Record<string, string | undefined>>>(true);

interface SessionEnviron {
  "test.session": { user: string };
}
declare const sessions: Middleware<SessionEnviron>;
declare const withSession: Application<Environ & SessionEnviron>;
declare const plain: Application;
declare const hello: Application<Environ & RoutingEnviron<"/hello/:name">>;
declare const other: Application<Environ & RoutingEnviron<"/hello/:id">>;
declare class Page implements Iterable<Uint8Array> {
  constructor(environ: Environ, startResponse: unknown);
  [Symbol.iterator](): Iterator<Uint8Array>;
}
const served = (app: Application): Application => app;

// Inline applications know the parameters of their own pattern.
const routes = router([
  ["/", plain],
  ["/page", Page],
  [
    "/hello/:name",
    (environ, startResponse) => {
      startResponse("200 OK", []);
      const [, { name }] = environ["wsgiorg.routing_args"];
      name satisfies string;
      // @ts-expect-error: no such parameter
      environ["wsgiorg.routing_args"][1].nam satisfies unknown;
      return [];
    },
    { methods: ["GET"], name: "hello" },
  ],
  [
    "/files/*path",
    async function* (environ, startResponse) {
      startResponse("200 OK", []);
      yield Buffer.from(environ["wsgiorg.routing_args"][1].path.join("/"));
    },
    { name: "file" },
  ],
  [
    /^\/x(?<rest>.*)$/,
    (environ) => {
      environ["wsgiorg.routing_args"][0][0] satisfies string | undefined;
      environ["wsgiorg.routing_args"][1]["rest"] satisfies string | undefined;
      return [];
    },
  ],
  ["/archive{/:year}", plain, { name: "archive" }],
]);
served(routes);

// URLs know the names of routes and their parameters.
routes.url("hello", { name: "Ada" });
routes.url("file", { path: ["a", "b"] });
routes.url("archive", {});
routes.url("archive", { year: "2024" }, { query: { page: "2" } });
// @ts-expect-error: another parameter
routes.url("hello", { id: "Ada" });
// @ts-expect-error: a parameter is missing
routes.url("hello", {});
// @ts-expect-error: a list, one for each segment
routes.url("file", { path: "a/b" });
// @ts-expect-error: no route has that name
routes.url("page", {});

// Applications written elsewhere say which pattern they are for.
router([["/hello/:name", hello, { methods: ["GET"] }]]);
// @ts-expect-error: that pattern has no id
router([["/hello/:name", other]]);
// @ts-expect-error: no such option
router([["/", plain, { methodz: ["GET"] }]]);
// @ts-expect-error: a list
router([["/", plain, { methods: "GET" }]]);

// What applications need of outer layers.
served(
  compose(sessions)(
    router([
      ["/", withSession],
      [
        "/hello/:name",
        (environ) => {
          environ["test.session"].user satisfies string;
          environ["wsgiorg.routing_args"][1].name satisfies string;
          return [];
        },
      ],
    ]),
  ),
);
const needy: Application<Environ & SessionEnviron> = router([["/", withSession]], { fallback: withSession });
served(sessions(needy));
// @ts-expect-error: nothing outside adds a session
served(router([["/", withSession]]));
served(compose(sessions)(mount({ "/a": withSession, "/b": plain }, withSession)));
// @ts-expect-error: nothing outside adds a session
served(mount({ "/a": withSession }));
served(
  mount([
    ["//a.example/x", plain],
    [{ host: "b.example" }, Page],
  ]),
);

// Routes that are made elsewhere are routes all the same; their names are not known.
declare const listed: readonly (readonly [string, Application])[];
served(router(listed));

// An application that builds URLs of the router it stands in.
const home: Application = (environ, startResponse) => {
  startResponse("302 Found", [["Location", site.url("hello", { name: "Ada" }, { environ })]]);
  return [];
};
const site = router([
  ["/", home],
  ["/hello/:name", hello, { name: "hello" }],
]);
served(site);
