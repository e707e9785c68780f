import { sessionStoreConformance } from "@gateway/testing/session-store";
import { openSqlite } from "./open-sqlite.ts";
import { sqliteStore } from "./sqlite-store.ts";
import { answerQuestions } from "./test-answers.ts";
import { sqliteMaker } from "./test-sqlite-maker.ts";

/** Runs the conformance table over files that the store opens itself, and answers with the name of each case and its failure, if any. */
answerQuestions(
  async () => {
    const tests: [name: string, body: () => Promise<void>][] = [];
    sessionStoreConformance(
      sqliteMaker(
        (path, now) => sqliteStore({ path, now }),
        (path) => openSqlite(path, 5000),
      ),
      { describe: (_, body) => body(), it: (name, body) => tests.push([name, body]) },
      { name: "SQLite" },
    );
    const results: [name: string, failure: string][] = [];
    for (const [name, body] of tests) {
      const failure = await body().then(
        () => "",
        (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
      );
      results.push([name, failure]);
    }
    return { results, pragmas: pragmas() };
  },
  () => {},
);

function pragmas(): unknown[] {
  const database = openSqlite(":memory:", 1234);
  const found = ["busy_timeout", "synchronous"].map((name) => database.prepare(`PRAGMA ${name}`).get());
  database.close();
  return found;
}
