import { HTTPError, type Application, type HeaderList, type ResponseBody, type StartResponse } from "@gateway/core";
import { parseUrlencoded, readJson } from "@gateway/forms";
import { router, type RoutingEnviron } from "@gateway/router";
import type { Cursor, Entry } from "./entries.ts";
import { entriesOnPage, entryId, type PageEnviron } from "./pages.ts";
import { checkText } from "./validation.ts";

/** An entry as JSON. */
export interface EntryJson {
  readonly id: number;
  readonly author: string;
  readonly text: string;
  /** RFC 3339. */
  readonly writtenAt: string;
}

const mostEntries = 100;

/** What an entry is to programs, and to the script of the pages. */
export function entryJson({ id, author, text, writtenAt }: Entry): EntryJson {
  return { id, author, text, writtenAt: new Date(writtenAt).toISOString() };
}

/** The same guestbook for programs. */
export function api(now: () => number): Application<PageEnviron> {
  const list: Application<PageEnviron> = async (environ, startResponse) => {
    const query = parseUrlencoded(environ.QUERY_STRING);
    const older = query.get("older");
    const cursor: Cursor = older === undefined ? "newest" : { olderThan: entryId(older) };
    const limit = limitOf(query.get("limit"));
    const { entries, olderThan } = await environ["guestbook.entries"].page(cursor, limit);
    const next = olderThan === undefined ? null : `/api/entries?older=${olderThan}&limit=${limit}`;
    return sendJson(startResponse, "200 OK", { entries: entries.map(entryJson), next });
  };

  const show: Application<PageEnviron & RoutingEnviron<"/api/entries/:id">> = async (environ, startResponse) => {
    const [, { id }] = environ["wsgiorg.routing_args"];
    const entry = await environ["guestbook.entries"].find(entryId(id));
    if (entry === undefined) throw new HTTPError(404, "There is no such entry.");
    return sendJson(startResponse, "200 OK", entryJson(entry));
  };

  const write: Application<PageEnviron> = async (environ, startResponse) => {
    const given = await readJson(environ);
    const guest = environ["gateway.session"].get("guest");
    if (guest === undefined) throw new HTTPError(403, "Sign in first: POST name and password to /sign-in, and keep the cookie.");
    const text = checkText(isRecord(given) ? given["text"] : undefined);
    if (!text.ok) throw new HTTPError(422, text.problem);
    const entry = await environ["guestbook.entries"].write(guest, text.value, now());
    return sendJson(startResponse, "201 Created", entryJson(entry), [["Location", `/api/entries/${entry.id}`]]);
  };

  return router([
    ["/api/entries", list, { methods: ["GET"] }],
    ["/api/entries", write, { methods: ["POST"] }],
    ["/api/entries/:id", show, { methods: ["GET"] }],
  ]);
}

function limitOf(text: string | undefined): number {
  if (text === undefined) return entriesOnPage;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > mostEntries) throw new HTTPError(400, `limit is a number from 1 to ${mostEntries}.`);
  return limit;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function sendJson(startResponse: StartResponse, status: string, value: unknown, headers: HeaderList = []): ResponseBody {
  startResponse(status, [["Content-Type", "application/json"], ...headers]);
  return [Buffer.from(`${JSON.stringify(value)}\n`)];
}
