// Compiled, never run: a line that must not compile says so, and the compiler complains where it does.
import { compose, layer, type Application, type Environ, type Middleware } from "@gateway/core";
import { sessions, type Session, type SessionEnviron, type SessionsOptions } from "./index.ts";

interface Data {
  user: string;
  cart: { id: number; tags: string[] }[];
  visits?: number;
}

declare const secret: string;
declare const bare: Application;
declare const session: Session<Data>;
declare const anything: Session;
declare const options: SessionsOptions;

const served = (app: Application): Application => app;

// Values have the types that were promised, and cannot be changed in place.
session.get("user") satisfies string | undefined;
session.get("visits") satisfies number | undefined;
session.get("cart")?.[0]?.tags satisfies readonly string[] | undefined;
// @ts-expect-error what get gives is readonly
session.get("cart")?.push({ id: 1, tags: [] });
// @ts-expect-error all the way down
session.get("cart")?.[0]?.tags.push("a");
// @ts-expect-error there is no such key
session.get("usr");
// @ts-expect-error of that type
session.set("user", 1);
session.set("cart", [...(session.get("cart") ?? []), { id: 2, tags: ["a"] }]);
session.update("visits", (visits = 0) => visits + 1) satisfies number | undefined;
// @ts-expect-error gives another type
session.update("visits", (visits = 0) => `${visits}`);
session.flash("user") satisfies string | undefined;
session.flash("user", "Ada");
// @ts-expect-error of that type
session.flash("user", 1);
for (const [key, value] of session.entries()) {
  if (key === "user") value satisfies string;
}
// @ts-expect-error read only
session.id = "x";
void session.load();

// Without a promise anything may be in it, and nothing is known of it.
anything.set("whatever", [1]);
anything.get("whatever") satisfies unknown;
// @ts-expect-error nothing is known of it
anything.get("whatever") satisfies string;

// Inside, environ has the session; without the layer there is none.
served(
  compose(sessions<Data>({ secret }))((environ, startResponse) => {
    environ["gateway.session"].get("user") satisfies string | undefined;
    startResponse("200 OK", []);
    return [];
  }),
);
served(
  sessions<Data>({ secret })(async function* (environ, startResponse) {
    environ["gateway.session"].set("visits", 1);
    startResponse("200 OK", []);
    yield new Uint8Array(0);
  }),
);
served(compose(sessions({ secret }))(bare));

declare const app: Application<Environ & SessionEnviron<Data>>;
served(compose(sessions<Data>({ secret }))(app));
// @ts-expect-error no session
served(app);
// @ts-expect-error of another type
served(compose(sessions<{ user: number }>({ secret }))(app));

// A layer that needs a session stands inside the one that adds it, and may know less of it.
declare const login: Middleware<unknown, SessionEnviron<Data>>;
declare const csrf: Middleware<unknown, SessionEnviron<Pick<Data, "user">>>;
served(compose(sessions<Data>({ secret }), login)(bare));
served(compose(sessions<Data>({ secret }), csrf)(bare));
declare const whatever: Middleware<unknown, SessionEnviron>;
served(compose(sessions<Data>({ secret }), whatever)(bare));
served(compose(sessions({ secret }), whatever)(bare));
// @ts-expect-error it stands outside
compose(login, sessions<Data>({ secret }));
// @ts-expect-error the session of that onion holds something else
compose(sessions<{ user: number }>({ secret }), login);

// Two sessions under two keys.
declare const both: Application<Environ & SessionEnviron<Data> & SessionEnviron<{ level: number }, "app.admin">>;
served(
  compose(
    sessions<Data>({ secret }),
    sessions<{ level: number }, "app.admin">({ secret, name: "admin", environKey: "app.admin" }),
  )(both),
);
// @ts-expect-error only one of them
served(compose(sessions<Data>({ secret }))(both));
// @ts-expect-error the key of the type and the key of the setting are one
sessions<{ level: number }, "app.admin">({ secret, environKey: "app.other" });
// @ts-expect-error the key of the type must be set
sessions<{ level: number }, "app.admin">({ secret });
// @ts-expect-error a key without a dot is no extension
sessions<{ level: number }, "admin">({ secret, environKey: "admin" });

// Environs may be extended.
interface ShopEnviron extends Environ, SessionEnviron<Data> {
  "shop.id": string;
}
layer<{ "shop.id": string }, SessionEnviron<Data>>((inner) => (environ, startResponse) => {
  environ["shop.id"] = environ["gateway.session"].id;
  return inner(environ, startResponse);
}) satisfies Middleware<{ "shop.id": string }, SessionEnviron<Data>>;
declare const shop: Application<ShopEnviron>;
shop satisfies Application<Environ & SessionEnviron<Data> & { "shop.id": string }>;

// @ts-expect-error a secret is needed
sessions({});
options.secret satisfies string | Uint8Array | readonly (string | Uint8Array)[];
