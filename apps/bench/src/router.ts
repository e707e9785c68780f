import type { Application, Environ } from "@gateway/core";
import { router } from "@gateway/router";
import findMyWay from "find-my-way";
import expressRouter from "router";
import { makeEnviron } from "./onion-environ.ts";
import { median } from "./statistics.ts";

/** The routes of a site of some size: what find-my-way's own bench measures, among others like it. */
const sections = ["user", "users", "teams", "events", "posts", "status", "map", "version", "projects", "files"];
const patterns: readonly string[] = [
  "/",
  ...sections.flatMap((name) => [`/${name}`, `/${name}/comments`, `/${name}/:id/comments/:comment`]),
  ...sections.map((name) => `/${name}/:id`),
  "/very/deeply/nested/route/hello/there",
  "/customer/:name-:surname",
  "/static/*path",
];

/** What is looked up: a name for the table, and the path. */
const requests: readonly (readonly [name: string, path: string])[] = [
  ["the root", "/"],
  ["short, static", "/user"],
  ["long, static", "/very/deeply/nested/route/hello/there"],
  ["one parameter", "/user/1234"],
  ["two parameters", "/events/1234/comments/5678"],
  ["parts of a segment", "/customer/john-doe"],
  ["wildcard", "/static/js/common/jquery.js"],
  ["none", "/nowhere/at/all/1"],
];

/** An environ with a place for what the router adds, as the server makes it. */
const makeEnvironWithSlot = (): Environ => ({ ...makeEnviron(), "wsgiorg.routing_args": undefined });

/** Handles the path once. */
type Handle = (path: string) => void;

let handled = 0;
const over: readonly Uint8Array[] = [];

function ours(): Handle {
  const app: Application = () => {
    handled++;
    return over as Uint8Array[];
  };
  const routes = router(
    patterns.map((pattern) => [pattern, app, { methods: ["GET"] }] as const),
    { fallback: app },
  );
  // One environ for all: the slot is filled anew each time, as on a fresh one that has it.
  const environ = makeEnvironWithSlot();
  const write = (): void => {};
  const startResponse = () => write;
  return (path) => {
    environ.PATH_INFO = path;
    environ.REQUEST_URI = path;
    environ["wsgiorg.routing_args"] = undefined;
    void routes(environ, startResponse);
  };
}

/** The same, on an environ that is made for each request, as servers make them: without the cost of making it. */
function environs(isHandled: boolean, hasSlot: boolean): Handle {
  const app: Application = () => {
    handled++;
    return over as Uint8Array[];
  };
  const routes = router(
    patterns.map((pattern) => [pattern, app, { methods: ["GET"] }] as const),
    { fallback: app },
  );
  const template: Environ = hasSlot ? makeEnvironWithSlot() : makeEnviron();
  const startResponse = () => () => {};
  return (path) => {
    const environ = { ...template, PATH_INFO: path, REQUEST_URI: path };
    if (isHandled) void routes(environ, startResponse);
    else if (environ.PATH_INFO !== "") handled++;
  };
}

function findMyWayOf(): Handle {
  const routes = findMyWay({
    defaultRoute: () => {
      handled++;
    },
  });
  for (const pattern of patterns) {
    routes.on("GET", pattern.replace("*path", "*"), () => {
      handled++;
    });
  }
  const request = { method: "GET", url: "/", headers: {} } as never as { method: "GET"; url: string };
  return (path) => {
    request.url = path;
    routes.lookup(request as never, undefined as never);
  };
}

function express(): Handle {
  const routes = expressRouter();
  for (const pattern of patterns) {
    routes.get(pattern, () => {
      handled++;
    });
  }
  const done = (): void => {
    handled++;
  };
  return (path) => {
    // Express fills in what it parses, so each gets a request of its own.
    routes({ method: "GET", url: path } as never, {} as never, done);
  };
}

const slice = 20_000;
const rounds = 15;

/** CPU nanoseconds for each request, user and system together. */
function measure(handle: Handle, path: string): number {
  handled = 0;
  const before = process.cpuUsage();
  for (let i = 0; i < slice; i++) handle(path);
  const { user, system } = process.cpuUsage(before);
  if (handled !== slice) throw new Error(`${handled} of ${slice} requests for ${path} were handled`);
  return ((user + system) * 1000) / slice;
}

/** Prints what a look-up costs here, in find-my-way and in the router of Express, in alternating slices of one process. */
export async function routerBench(): Promise<void> {
  const handles = {
    ours: ours(),
    "find-my-way": findMyWayOf(),
    express: express(),
    fresh: environs(true, false),
    bare: environs(false, false),
    slotFresh: environs(true, true),
    slotBare: environs(false, true),
  };
  const times = new Map<string, number[]>();
  for (let round = -3; round < rounds; round++) {
    for (const [request, path] of requests) {
      for (const [name, handle] of Object.entries(handles)) {
        const time = measure(handle, path);
        // The first rounds warm up.
        if (round < 0) continue;
        const key = `${name} ${request}`;
        times.set(key, [...(times.get(key) ?? []), time]);
      }
    }
    // Express defers what it does after a hundred routes.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const of = (name: string, request: string): readonly number[] => times.get(`${name} ${request}`) ?? [];
  const ratio = (one: readonly number[], other: readonly number[]): string =>
    median(one.map((time, i) => time / (other[i] ?? Number.NaN))).toFixed(2);
  console.table(
    Object.fromEntries(
      requests.map(([request]) => [
        request,
        {
          "ours ns": Math.round(median(of("ours", request))),
          "find-my-way ns": Math.round(median(of("find-my-way", request))),
          "express ns": Math.round(median(of("express", request))),
          "find-my-way / ours": ratio(of("find-my-way", request), of("ours", request)),
          "express / ours": ratio(of("express", request), of("ours", request)),
          "on a copy with the slot ns": Math.round(
            median(of("slotFresh", request).map((time, i) => time - (of("slotBare", request)[i] ?? 0))),
          ),
          "on a copy without ns": Math.round(median(of("fresh", request).map((time, i) => time - (of("bare", request)[i] ?? 0)))),
        },
      ]),
    ),
  );
  console.log(
    `${patterns.length} routes, GET; CPU of one process, slices of ${slice}, medians of ${rounds} rounds, ratios within a round (above 1: they need more).`,
  );
  console.log(
    "find-my-way and ours decode parameters; ours sets environ and runs the application. A copied environ is how the server makes them.",
  );
}
