import { rmSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conditional } from "@gateway/conditional";
import { compose, layer, type Application, type Middleware } from "@gateway/core";
import { cors } from "@gateway/cors";
import { csrf } from "@gateway/csrf";
import { errors } from "@gateway/errors";
import { health } from "@gateway/health";
import { limits } from "@gateway/limits";
import { accessLog, requestId, traceContext } from "@gateway/logging";
import { rateLimit } from "@gateway/rate-limit";
import { securityHeaders } from "@gateway/security-headers";
import { sessions } from "@gateway/sessions";
import { memoryStore } from "@gateway/sessions/memory-store";
import { counting } from "./onion-sessions.ts";

/** A file that is gone when the process is. */
function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "gateway-onion-"));
  process.on("SIGTERM", () => process.exit(0));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "access.log");
}

/** Gives the chunks of a synchronous application as a stream. */
const streamed: Middleware = layer(
  (app: Application): Application =>
    (environ, start) =>
      new Set(app(environ, start) as readonly Uint8Array[]),
);

/**
 * What stands around the application in each row; each is made in a process of its own. The first is what the others are compared with.
 * A new row is one line.
 */
export const rows: Readonly<Record<string, () => Middleware>> = {
  "no layer": () => layer((app) => app),
  "a layer that looks at the request": () =>
    layer((app) => (environ, start) => (environ.PATH_INFO === "/no" ? [] : app(environ, start))),
  "a layer that looks at the head": () =>
    layer(
      (app) => (environ, start) =>
        app(environ, (status, headers, excInfo) => {
          if (status.startsWith("5")) environ["wsgi.errors"].write(status);
          return start(status, headers, excInfo);
        }),
    ),
  "a layer that sets a header": () =>
    layer(
      (app) => (environ, start) =>
        app(environ, (status, headers, excInfo) => {
          headers.push(["X-Frame-Options", "DENY"]);
          return start(status, headers, excInfo);
        }),
    ),
  "requestId()": () => requestId(),
  "traceContext()": () => traceContext(),
  "onEnd with an empty listener": () =>
    layer((app) => (environ, start) => {
      environ["gateway.exchange"].onEnd(() => {});
      return app(environ, start);
    }),
  'accessLog({ format: "combined", file })': () => accessLog({ format: "combined", file: temporaryFile() }),
  "accessLog({ file })": () => accessLog({ file: temporaryFile() }),
  'accessLog({ format: "json", file })': () => accessLog({ format: "json", file: temporaryFile() }),
  "csrf()": () => csrf(),
  "securityHeaders()": () => securityHeaders(),
  "cors({ origins })": () => cors({ origins: ["https://app.example"] }),
  "health()": () => health(),
  "a stream": () => streamed,
  "conditional() around the stream": () => compose(conditional(), streamed),
  "conditional()": () => conditional(),
  "rateLimit({ limit, windowSeconds })": () => rateLimit({ limit: 1_000_000_000, windowSeconds: 60 }),
  "errors()": () => errors(),
  "errors({ pages })": () => errors({ pages: { 404: () => "<h1>Nothing here</h1>" } }),
  "limits()": () => limits(),
  "limits({ concurrency })": () => limits({ concurrency: 100 }),
  "sessions(), not used": () => sessions({ secret: "x".repeat(32) }),
  "sessions(), read and written": () => counting({ secret: "x".repeat(32) }),
  "sessions({ store: memoryStore() }), read and written": () => counting({ secret: "x".repeat(32), store: memoryStore() }),
};
