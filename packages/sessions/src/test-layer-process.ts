import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Application, Environ, StartResponse } from "@gateway/core";
import { buildEnviron } from "@gateway/testing";
import { fileStore } from "./file-store.ts";
import type { Session, SessionEnviron } from "./session.ts";
import { sessions } from "./sessions.ts";
import type { SessionStore } from "./store.ts";
import { answerQuestions } from "./test-answers.ts";

/** What one of the two processes of a race is told; each of the cookies is a session, and a race. */
export interface LayerQuestion {
  readonly directory: string;
  /** Where requests of both processes wait for each other, when both have read the session and none has saved it; `""` where they do not. */
  readonly meeting: string;
  readonly do: "create" | "change" | "destroy" | "regenerate" | "show";
  readonly cookies: readonly string[];
  /** Whose key is changed. */
  readonly key: "first" | "second";
}

/** What it answers. */
export interface LayerAnswer {
  /** The body of each response. */
  readonly bodies: readonly string[];
  /** The cookie that each response has set; `""` where it has not. */
  readonly cookies: readonly string[];
  /** How many saves found that another was faster. */
  readonly conflicts: number;
}

interface Data {
  first: number;
  second: number;
  count: number;
}

const secret = "a secret that both processes of the race know";

answerQuestions(
  async (question) => {
    const { directory, meeting, do: work, cookies, key } = question as LayerQuestion;
    let conflicts = 0;
    const files = fileStore({ directory });
    const store: SessionStore = {
      atomic: true,
      read: (id) => files.read(id),
      touch: (id, expiresAt) => files.touch(id, expiresAt),
      delete: (id) => files.delete(id),
      async write(id, record) {
        const written = await files.write(id, record);
        if (!written) conflicts++;
        return written;
      },
    };
    const app = sessions<Data>({ secret, store })(answerTo(work, key, meeting));
    const answers = await each(cookies, (cookie) => ask(app, cookie));
    return {
      bodies: answers.map(({ body }) => body),
      cookies: answers.map(({ cookie }) => cookie),
      conflicts,
    } satisfies LayerAnswer;
  },
  () => {},
);

function answerTo(
  work: LayerQuestion["do"],
  key: LayerQuestion["key"],
  meeting: string,
): Application<Environ & SessionEnviron<Data>> {
  const does: Record<LayerQuestion["do"], (session: Session<Data>) => void> = {
    create: (session) => session.set("count", 0),
    change(session) {
      session.set(key, 1);
      session.update("count", (count = 0) => count + 1);
    },
    destroy: (session) => session.destroy(),
    regenerate(session) {
      session.set(key, 1);
      session.regenerate();
    },
    show() {},
  };
  return async (environ, startResponse) => {
    if (meeting !== "") await meet(meeting, (environ.HTTP_COOKIE ?? "").slice(4, 26), key);
    const session = environ["gateway.session"];
    does[work](session);
    startResponse("200 OK", [["Content-Type", "application/json"]]);
    return [Buffer.from(JSON.stringify({ isNew: session.isNew, ...Object.fromEntries(session.entries()) }))];
  };
}

async function meet(folder: string, id: string, key: LayerQuestion["key"]): Promise<void> {
  writeFileSync(join(folder, `${id}.${key}`), "");
  const other = join(folder, `${id}.${key === "first" ? "second" : "first"}`);
  // Looks once in a millisecond: the processes share two cores with the file system.
  while (!existsSync(other)) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function ask(app: Application, cookie: string): Promise<{ body: string; cookie: string }> {
  const environ = buildEnviron({ method: "GET", target: "/", headers: cookie === "" ? [] : [["Cookie", cookie]] });
  let set = "";
  const start: StartResponse = (_status, headers) => {
    set = headers.find(([name]) => name === "Set-Cookie")?.[1].split(";")[0] ?? "";
    return () => {};
  };
  const chunks: Uint8Array[] = [];
  const body = await app(environ, start);
  for await (const chunk of body) chunks.push(chunk);
  await body.close?.();
  return { body: Buffer.concat(chunks).toString(), cookie: set };
}

/** Sixteen at a time, in the same order in both processes, so that they meet. */
async function each<T>(cookies: readonly string[], work: (cookie: string) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const entries = cookies.entries();
  const worker = async (): Promise<void> => {
    for (const [index, cookie] of entries) results[index] = await work(cookie);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return results;
}
