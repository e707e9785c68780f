import { HTTPError, type Application } from "@gateway/core";
import { parseUrlencoded } from "@gateway/forms";
import { entryJson } from "./api.ts";
import type { Database } from "./database.ts";
import type { Entry } from "./entries.ts";
import { entryId } from "./pages.ts";

/** Settings of {@link events}. */
export interface EventsOptions {
  /** How many may watch at a time, beyond which there is 503 (default 1000). */
  readonly maxWatchers?: number;
  /** How often a comment is sent where there is nothing to say, in milliseconds (default 15000): proxies close what is silent. */
  readonly keepAliveMilliseconds?: number;
}

const batch = 50;

/** What a browser waits before it connects again, in milliseconds. */
const retryMilliseconds = 2000;

/**
 * Every entry, as it is written: server-sent events whose ids are those of the entries, so who was away gets what was missed. A client that reads slowly
 * holds nothing here but a number, the entry it has come to.
 *
 * `stop()` ends all streams, since a server that stops waits for requests under way, and these would never end.
 */
export function events(database: Database, options: EventsOptions = {}): Application & { stop(): void } {
  const { maxWatchers = 1000, keepAliveMilliseconds = 15_000 } = options;
  const open = new Set<() => void>();
  let isStopped = false;
  const after = shared((id) => database.entries.after(id, batch));

  const serve: Application = (environ, startResponse) => {
    const since = environ.HTTP_LAST_EVENT_ID ?? parseUrlencoded(environ.QUERY_STRING).get("after");
    let seen = since === undefined ? undefined : entryId(since);
    if (isStopped || open.size >= maxWatchers)
      throw new HTTPError(503, "Nobody else can watch just now.", { headers: [["Retry-After", "30"]] });
    const { signal } = environ["gateway.exchange"];
    const view = { isOpen: true, leave: (): void => {} };
    const close = (): void => {
      view.isOpen = false;
      open.delete(close);
      signal.removeEventListener("abort", close);
      view.leave();
    };
    open.add(close);
    signal.addEventListener("abort", close);
    if (signal.aborted) close();

    async function* stream(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`retry: ${retryMilliseconds}\n\n`);
      seen ??= (await database.entries.page("newest", 1)).entries.at(0)?.id ?? 0;
      while (view.isOpen) {
        // Before the look, so that nothing falls between the two.
        const waiting = database.watchers.wait();
        view.leave = () => waiting.leave();
        const entries = await after(seen);
        for (const entry of entries) {
          yield Buffer.from(eventOf(entry));
          seen = entry.id;
        }
        if (entries.length > 0 || !view.isOpen) waiting.leave();
        else if (!(await within(waiting.woken, keepAliveMilliseconds))) {
          waiting.leave();
          yield Buffer.from(": nothing new\n\n");
        }
      }
    }

    startResponse("200 OK", [
      ["Content-Type", "text/event-stream"],
      ["Cache-Control", "no-store"],
    ]);
    return Object.assign(environ.REQUEST_METHOD === "HEAD" ? nothing() : stream(), { close });
  };

  const stop = (): void => {
    isStopped = true;
    for (const close of open) close();
  };
  return Object.assign(serve, { stop });
}

function eventOf(entry: Entry): string {
  return `id: ${entry.id}\nevent: entry\ndata: ${JSON.stringify(entryJson(entry))}\n\n`;
}

/** Those who ask for the same at the same time get one answer: all who have come to the newest entry do. */
function shared(ask: (id: number) => Promise<readonly Entry[]>): typeof ask {
  const asked = new Map<number, Promise<readonly Entry[]>>();
  return (id) => {
    let answer = asked.get(id);
    if (answer === undefined) {
      answer = ask(id).finally(() => asked.delete(id));
      asked.set(id, answer);
    }
    return answer;
  };
}

/** Whether it came in time. */
function within(event: Promise<void>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    void event.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  yield* [];
}
