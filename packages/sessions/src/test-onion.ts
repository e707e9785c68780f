import type { Application, Environ, Middleware } from "@gateway/core";
import { client, type Client, type ClientOptions } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { memoryStore } from "./memory-store.ts";
import type { Session, SessionEnviron } from "./session.ts";
import { sessions } from "./sessions.ts";
import type { SessionsOptions } from "./sessions-options.ts";
import type { SessionStore } from "./store.ts";

/** What the tests keep in sessions. */
export interface TestData {
  user: string;
  count: number;
  cart: { id: number; tags: string[] }[];
  big: string;
  note: string;
}

export type TestApplication = Application<Environ & SessionEnviron<TestData>>;

export const secret = "a secret of at least 32 octets, for tests";

/** A clock that a test moves. */
export class Clock {
  time = 1_700_000_000_000;
  readonly now = (): number => this.time;

  advanceSeconds(seconds: number): void {
    this.time += seconds * 1000;
  }
}

/** Answers with what the handler gives, as text. */
export function page(handler: (session: Session<TestData>, environ: Environ) => unknown): TestApplication {
  return (environ, startResponse) => {
    const text = JSON.stringify(handler(environ["gateway.session"], environ)) ?? "nothing";
    startResponse("200 OK", [["Content-Type", "application/json"]]);
    return [Buffer.from(text)];
  };
}

/** One handler for each path. */
export function site(handlers: Readonly<Record<string, (session: Session<TestData>) => unknown>>): TestApplication {
  return page((session, { PATH_INFO }) => {
    const handler = handlers[PATH_INFO];
    if (handler === undefined) throw new Error(`no handler for ${PATH_INFO}`);
    return handler(session);
  });
}

/** The layer, validated on both sides, with a client for it: the client's own validator is the outer one. */
export function onion(app: TestApplication, options: Partial<SessionsOptions> = {}, clientOptions: ClientOptions = {}): Client {
  const layer = sessions<TestData>({ secret, ...options } as SessionsOptions & { environKey?: undefined });
  const validated = validator as Middleware;
  return client(layer(validated(app)), clientOptions);
}

/** A store whose every answer is a promise, as that of a server is. */
export function slowly(store: SessionStore): SessionStore {
  const later = async <T>(work: () => T | Promise<T>): Promise<T> => {
    await new Promise((resolve) => setImmediate(resolve));
    return work();
  };
  return {
    atomic: store.atomic,
    read: (id) => later(() => store.read(id)),
    write: (id, record) => later(() => store.write(id, record)),
    touch: (id, expiresAt) => later(() => store.touch(id, expiresAt)),
    delete: (id) => later(() => store.delete(id)),
  };
}

/** A store that notes what it is asked for. */
export function noting(store: SessionStore): SessionStore & { readonly notes: string[] } {
  const notes: string[] = [];
  const noted = <T>(note: string, work: () => T): T => {
    notes.push(note);
    return work();
  };
  return {
    notes,
    atomic: store.atomic,
    synchronous: store.synchronous,
    read: (id) => noted("read", () => store.read(id)),
    write: (id, record) => noted(`write ${record.version}`, () => store.write(id, record)),
    touch: (id, expiresAt) => noted("touch", () => store.touch(id, expiresAt)),
    delete: (id) => noted("delete", () => store.delete(id)),
    prune: () => noted("prune", () => store.prune?.() ?? 0),
  };
}

/** Every way to keep a session: what holds for one holds for all. */
export const keepers: readonly [name: string, options: (clock: Clock) => Partial<SessionsOptions>][] = [
  ["a sealed cookie", () => ({})],
  ["a store that answers at once", ({ now }) => ({ store: memoryStore({ now }) })],
  ["a store that answers later", ({ now }) => ({ store: slowly(memoryStore({ now })) })],
];

/** Serves handlers with a session that is kept in one of those ways. */
export type Start = (
  handlers: Parameters<typeof site>[0],
  options?: Partial<SessionsOptions>,
  clientOptions?: ClientOptions,
) => Client;

export function starter(keeper: (typeof keepers)[number][1], clock: Clock): Start {
  return (handlers, options, clientOptions) =>
    onion(site(handlers), { now: clock.now, ...keeper(clock), ...options }, clientOptions);
}

export const setCookies = (response: { headers: { getAll(name: string): string[] } }): string[] =>
  response.headers.getAll("Set-Cookie");
