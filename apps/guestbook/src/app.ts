import { compose, type Application } from "@gateway/core";
import { conditional } from "@gateway/conditional";
import { cors } from "@gateway/cors";
import { csrf } from "@gateway/csrf";
import { errors } from "@gateway/errors";
import { forwarded } from "@gateway/forwarded";
import { gzip, inflate } from "@gateway/gzip";
import { health } from "@gateway/health";
import { limits } from "@gateway/limits";
import { accessLog, healthChecks, requestId, type LogDestination } from "@gateway/logging";
import { memoryStore, rateLimit, type RateLimitStore } from "@gateway/rate-limit";
import { router } from "@gateway/router";
import { securityHeaders } from "@gateway/security-headers";
import { sessions, type SessionStore } from "@gateway/sessions";
import { staticFiles } from "@gateway/static";
import { api } from "./api.ts";
import { assetsPrefix, type Assets } from "./assets.ts";
import { contentSecurityPolicy } from "./content-security-policy.ts";
import type { Database } from "./database.ts";
import { errorPages } from "./error-pages.ts";
import { events } from "./events.ts";
import { pages } from "./pages.ts";
import { bodyBytes, signInLimit, writeLimit } from "./request-limits.ts";
import type { Visitor } from "./visitor.ts";

/** What the guestbook is made of, besides its code. */
export interface Parts {
  readonly database: Database;
  readonly assets: Assets;
  readonly secrets: readonly string[];
  /** Where sessions are kept (default: in sealed cookies). */
  readonly sessionStore?: SessionStore | undefined;
  /** Where attempts are counted (default: in this process). */
  readonly rateStore?: RateLimitStore | undefined;
  readonly textLog: LogDestination;
  readonly jsonLog: LogDestination;
  readonly trustedProxies?: readonly string[];
  readonly isDebug?: boolean;
  readonly now?: () => number;
}

/** The guestbook: the whole onion, from the outside in, and what is in its middle. `drain()` is for a server that is about to stop. */
export function guestbook(parts: Parts): Application & { drain(): void } {
  const { database, assets, rateStore = memoryStore(), now = Date.now } = parts;
  const live = events(database);
  const watch = health({ checks: { database: () => database.check() } });

  const around = compose(
    forwarded({ trust: parts.trustedProxies ?? [] }), // who asks, and how: what trusted proxies say
    requestId(),
    accessLog({ destination: parts.textLog, format: "timed", skip: healthChecks }),
    accessLog({ destination: parts.jsonLog, format: "json", skip: healthChecks }),
    securityHeaders({ contentSecurityPolicy }),
    gzip(), // pages, errors, and the stream of events
    errors({ pages: errorPages(assets), debug: parts.isDebug ?? false }),
    watch, // /livez and /readyz
    limits({ bodyBytes, seconds: Infinity }),
    inflate({ maxBytes: bodyBytes }),
    staticFiles(assets.folder, { prefix: assetsPrefix, manifest: "require" }),
    csrf(),
    rateLimit({ ...signInLimit, store: rateStore }),
    rateLimit({ ...writeLimit, store: rateStore }),
  );
  const inside = compose(
    limits({ seconds: 15 }), // not around the events, which last
    sessions<Visitor>({ secret: parts.secrets, store: parts.sessionStore }),
    conditional(), // 304 for who has the page already
    database.layer, // a connection for each request, where it is PostgreSQL
  );

  const app = router([
    ["/events", live, { methods: ["GET"] }],
    ["/api/*path", compose(cors({ origins: "*" }), errors({ prefer: "json" }), inside)(api(now))],
    [/^/, inside(pages(assets, now))],
  ]);
  const drain = (): void => {
    watch.drain();
    live.stop();
  };
  return Object.assign(around(app), { drain });
}
