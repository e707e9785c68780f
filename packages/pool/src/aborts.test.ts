import { ExchangeAborted } from "@gateway/core";
import { client } from "@gateway/testing";
import { eventually, scaled, seededRandom } from "@gateway/testing/campaign";
import { validator } from "@gateway/validate";
import { describe, expect, it } from "vitest";
import { drain, pool, poolState } from "./index.ts";
import { campaignTimeout, kinds, Witness, writingApplication } from "./test-campaign.ts";
import { FakeConnection, FakePool } from "./test-pool.ts";

/** A connection to a table: rows are there when their transaction has committed. */
class TableConnection extends FakeConnection {
  readonly #table: Set<string>;
  #rows: string[] = [];

  constructor(table: Set<string>) {
    super();
    this.#table = table;
  }

  override async query(statement: string): Promise<{ command: string }> {
    // As long as a database takes: a few turns.
    for (let i = statement.length % 3; i > 0; i--) await new Promise((resolve) => setImmediate(resolve));
    const result = await super.query(statement);
    if (statement.startsWith("INSERT ")) this.#rows.push(statement.slice(7));
    if (statement === "COMMIT") for (const row of this.#rows) this.#table.add(row);
    if (statement === "COMMIT" || statement === "ROLLBACK") this.#rows = [];
    return result;
  }
}

describe("pool, its clients leaving at random points", () => {
  it(
    "leaks no connection, gives none back twice, and commits nothing for who failed or was seen to leave before",
    async () => {
      const random = seededRandom(1);
      const table = new Set<string>();
      const source = new FakePool(5);
      for (let i = 0; i < 5; i++) source.connections.push(new TableConnection(table));
      const witness = new Witness();
      const layer = pool(source, { transaction: { commit: witness.commit } });
      const app = validator(layer(writingApplication<FakeConnection>(witness, (id) => `INSERT ${id}`)));
      const http = client(app, { validate: false, errors: "ignore", cookies: false });
      const received = new Set<string>();
      const count = scaled(10_000);
      let next = 0;
      let left = 0;

      const visit = async (): Promise<void> => {
        while (next < count) {
          const id = String(next++);
          const kind = kinds[Math.floor(random() * kinds.length)] ?? "";
          const leaving = new AbortController();
          const leaves = random() < 0.9;
          const turns = Math.floor(random() * 8);
          const ticks = Math.floor(random() * 12);
          const isRead = random() < 0.5;
          const answer = isRead
            ? http.get(`/${kind}/${id}`, { signal: leaving.signal })
            : http.open("GET", `/${kind}/${id}`, { signal: leaving.signal });
          const done = answer.then(
            async (response) => {
              if ("body" in response) {
                for await (const chunk of response.body) void chunk;
                await response.finished;
              }
              if (response.status === 200) received.add(id);
            },
            () => {},
          );
          if (leaves) {
            for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
            for (let i = 0; i < ticks; i++) await Promise.resolve();
            leaving.abort(new ExchangeAborted("CLIENT_GONE"));
            left++;
          }
          await done.catch(() => {});
        }
      };
      await Promise.all(Array.from({ length: 20 }, visit));
      await drain(layer);

      expect({ out: source.out, waiting: source.waiting, mistakes: source.mistakes, state: poolState(layer) }).toEqual({
        out: 0,
        waiting: 0,
        mistakes: [],
        state: { held: 0, waiting: 0 },
      });
      expect([...table].filter((id) => witness.failed.has(id) || witness.leftBefore.has(id))).toEqual([]);
      expect([...received].filter((id) => !table.has(id))).toEqual([]);
      // It did what it was for: clients left before, while and after; and none of the connections had to be replaced.
      expect(left).toBeGreaterThan(count / 2);
      for (const seen of [witness.leftBefore, witness.failed, witness.committing, received, table])
        expect(seen.size).toBeGreaterThan(count / 50);
      await eventually(() => source.connections.every(({ state }) => state === "free"));
    },
    campaignTimeout,
  );
});
