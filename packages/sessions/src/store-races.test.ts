import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasProgram, startPostgres, startRedis } from "@gateway/testing/programs";
import { describe, expect, it } from "vitest";
import type { SessionRecord } from "./store.ts";
import { campaignTimeout, scaled } from "@gateway/testing/campaign";
import { nodeWithSqlite, startChild, type Child } from "./test-child.ts";
import type { StoreAddress } from "./test-open-store.ts";
import type { RaceQuestion } from "./test-race-process.ts";

/** In full 10,000 of each kind: both processes write to each of 100 sessions in 100 rounds; and 100 rounds of 100 sessions that end. */
const sessions = 100;
const rounds = scaled(100);

/** Data that two processes share, and that is cleared away with the end. */
interface Shared extends AsyncDisposable {
  readonly address: StoreAddress;
}

const stores: readonly {
  readonly name: StoreAddress["kind"];
  readonly isThere: boolean;
  readonly node?: string | undefined;
  readonly start: () => Promise<Shared>;
}[] = [
  { name: "redis 6", isThere: hasProgram("redis-server"), start: () => redis("redis 6") },
  { name: "ioredis 5", isThere: hasProgram("redis-server"), start: () => redis("ioredis 5") },
  {
    name: "PostgreSQL",
    isThere: hasProgram("postgres"),
    start: async () => {
      const server = await startPostgres();
      return { address: { kind: "PostgreSQL", at: server.address }, [Symbol.asyncDispose]: () => server.stop() };
    },
  },
  {
    name: "SQLite",
    isThere: nodeWithSqlite !== undefined,
    node: nodeWithSqlite,
    start: async () => {
      const folder = mkdtempSync(join(tmpdir(), "gateway-races-"));
      const path = join(folder, "sessions.db");
      return { address: { kind: "SQLite", at: { path } }, [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }) };
    },
  },
];

async function redis(kind: "redis 6" | "ioredis 5"): Promise<Shared> {
  const server = await startRedis();
  return { address: { kind, at: server.address }, [Symbol.asyncDispose]: () => server.stop() };
}

const idOf = (name: string): string => createHash("sha256").update(name).digest("base64url");

function ask<Answer>(child: Child, question: RaceQuestion): Promise<Answer> {
  return child.ask<Answer>(question);
}

describe.each(stores)("two processes over $name", ({ name, isThere, node, start }) => {
  it.skipIf(!isThere)(
    "lose no write to different keys of a session",
    async () => {
      await using shared = await start();
      await using one = await startChild("test-race-process.ts", node);
      await using two = await startChild("test-race-process.ts", node);
      await Promise.all([one, two].map((child) => ask(child, { do: "open", address: shared.address })));
      const ids = Array.from({ length: sessions }, (_, index) => idOf(`merge ${index}`));
      await ask(one, { do: "create", ids });

      let conflicts = 0;
      for (let round = 1; round <= rounds; round++) {
        // Every other time both have read before either writes; otherwise they meet as it happens.
        if (round % 2 === 0) await Promise.all([one, two].map((child) => ask(child, { do: "hold", ids })));
        const seen = await Promise.all([
          ask<number>(one, { do: "merge", ids, key: "one", to: round }),
          ask<number>(two, { do: "merge", ids, key: "two", to: round }),
        ]);
        conflicts += seen[0] + seen[1];
      }

      const records = await ask<(SessionRecord | null)[]>(one, { do: "read", ids });
      for (const record of records) {
        expect(JSON.parse(record?.data ?? "null")).toEqual({ one: rounds, two: rounds });
        expect(record?.version).toBe(1 + 2 * rounds);
      }
      console.log(`${name}: ${sessions * rounds} races of parallel writes, ${conflicts} conflicts seen, none lost`);
      expect(conflicts).toBeGreaterThanOrEqual((sessions * rounds) / 2);
    },
    campaignTimeout,
  );

  it.skipIf(!isThere)(
    "do not bring back by a save what the other deletes",
    async () => {
      await using shared = await start();
      await using one = await startChild("test-race-process.ts", node);
      await using two = await startChild("test-race-process.ts", node);
      await Promise.all([one, two].map((child) => ask(child, { do: "open", address: shared.address })));

      let saved = 0;
      for (let round = 0; round < rounds; round++) {
        const ids = Array.from({ length: sessions }, (_, index) => idOf(`round ${round}, session ${index}`));
        await ask(one, { do: "create", ids });
        // Each saves until it is refused, which only the delete of the other brings about.
        const [saves] = await Promise.all([ask<number>(one, { do: "save", ids }), ask(two, { do: "delete", ids })]);
        saved += saves;
        const records = await ask<(SessionRecord | null)[]>(two, { do: "read", ids });
        expect(records.filter((record) => record !== null)).toEqual([]);
      }
      console.log(
        `${name}: ${sessions * rounds} races of save against delete, ${saved} saves done before the delete, none resurrected`,
      );
      expect(saved).toBeGreaterThan(0);
    },
    campaignTimeout,
  );
});
