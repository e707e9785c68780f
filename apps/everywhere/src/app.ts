import type { Application } from "@gateway/core";
import { connections, cookies, environ } from "./app/requests.ts";
import { echo, size, unread } from "./app/bodies.ts";
import { closes, failsInBody, failsInside, failsOutside } from "./app/endings.ts";
import { gate } from "./app/gates.ts";
import { large, notModified, nothing, redirect, repeated, status, written } from "./app/responses.ts";
import { empty, events, gated } from "./app/streams.ts";

/** What is at which path; at every other, the request itself is shown. */
const routes: ReadonlyMap<string, Application> = new Map([
  ["/connections", connections],
  ["/cookies", cookies],
  ["/echo", echo],
  ["/size", size],
  ["/unread", unread],
  ["/status", status],
  ["/redirect", redirect],
  ["/nothing", nothing],
  ["/not-modified", notModified],
  ["/repeated", repeated],
  ["/large", large],
  ["/written", written],
  ["/empty", empty],
  ["/gated", gated],
  ["/gate", gate],
  ["/events", events],
  ["/closes", closes],
  ["/fails", failsOutside],
  ["/fails/inside", failsInside],
  ["/fails/body", failsInBody],
]);

/** One application that does what applications do, for looking at servers. It shows every header of a request to whoever sends it. */
const app: Application = (given, startResponse) => (routes.get(given.PATH_INFO) ?? environ)(given, startResponse);
export default app;
