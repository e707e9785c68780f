import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { client, type Client } from "@gateway/testing";
import { guestbook, type Parts } from "./app.ts";
import { findAssets, type Assets } from "./assets.ts";
import { buildAssets } from "./build-assets.ts";
import type { Database } from "./database.ts";
import { sqliteDatabase } from "./sqlite-database.ts";

/** A guestbook of a test, with a database and assets of its own. */
export interface TestGuestbook {
  readonly app: ReturnType<typeof guestbook>;
  readonly database: Database;
  readonly assets: Assets;
  /** The lines of both logs. */
  readonly log: { readonly text: string[]; readonly json: string[] };
  /** A browser as far as cookies and origin go. */
  browser(): Client;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The clock of tests: noon, and a minute more with each entry. */
function clock(): () => number {
  let time = Date.UTC(2026, 10, 21, 12);
  return () => (time += 60_000);
}

export async function makeGuestbook(parts: Partial<Parts> = {}): Promise<TestGuestbook> {
  const folder = await mkdtemp(join(tmpdir(), "gateway-guestbook-"));
  await buildAssets(fileURLToPath(new URL("../assets", import.meta.url)), join(folder, "assets"));
  const database = parts.database ?? (await sqliteDatabase(join(folder, "guestbook.db")));
  const assets = findAssets(join(folder, "assets"));
  const log = { text: [] as string[], json: [] as string[] };
  const app = guestbook({
    assets,
    secrets: ["a secret of tests that is long enough"],
    textLog: { write: (line) => void log.text.push(line) },
    jsonLog: { write: (line) => void log.json.push(line) },
    now: clock(),
    ...parts,
    database,
  });
  return {
    app,
    database,
    assets,
    log,
    browser: () => client(app, { headers: { Origin: "http://localhost", Accept: "text/html" } }),
    async [Symbol.asyncDispose]() {
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const password = "correct horse";

/** Takes a name, and is signed in then. */
export async function joinAs(browser: Client, name: string): Promise<void> {
  const { status } = await browser.post("/join", { form: { name, password } });
  if (status !== 303) throw new Error(`joining as ${name} was answered ${status}`);
}
