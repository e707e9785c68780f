import { equal, ok } from "node:assert/strict";
import { holds, holdsNone, hour, refuses, writes } from "./expect.ts";
import type { SessionStore, StoreBench, StoreCase } from "./types.ts";

/** As many as a browser opens connections, and some more. */
const crowd = 16;
/** How often a race is run: one time shows nothing. */
const rounds = 25;

/** One race in the three ways that it can be run. */
function inRaces(name: string, run: (bench: StoreBench, handles: readonly SessionStore[]) => Promise<void>): readonly StoreCase[] {
  return [
    { name: `${name}, through one handle`, area: "races", needs: ["atomic"], run: async (bench) => run(bench, [bench.store]) },
    {
      name: `${name}, through two handles`,
      area: "races",
      needs: ["atomic", "another"],
      run: async (bench) => run(bench, [bench.store, await bench.another()]),
    },
  ];
}

function handleOf(handles: readonly SessionStore[], index: number): SessionStore {
  return handles[index % handles.length] as SessionStore;
}

/** A crowd writes the same version: one of them must win, and its data must be there. */
async function oneWins(
  handles: readonly SessionStore[],
  id: string,
  version: number,
  expiresAt: number,
  where: string,
): Promise<void> {
  const records = Array.from({ length: crowd }, (_, index) => ({ data: `${where}, writer ${index}`, version, expiresAt }));
  const won = await Promise.all(records.map(async (record, index) => handleOf(handles, index).write(id, record)));
  const winners = records.filter((_, index) => won[index] === true);
  equal(winners.length, 1, `${where}: ${winners.length} of ${crowd} writes of version ${version} were done`);
  for (const handle of handles) await holds(handle, id, winners[0] ?? { data: "", version, expiresAt }, where);
}

export const sharingCases: readonly StoreCase[] = [
  {
    name: "shows what another handle wrote, touched and deleted",
    area: "handles",
    needs: ["another"],
    run: async ({ store, id, now, another }) => {
      const other = await another();
      const [one, two] = [id(), id()];
      const record = { data: "shared 😀", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "one handle");
      await holds(other, one, record, "the other handle");
      await refuses(other, one, { ...record, data: "no" }, "the other handle");
      await writes(other, one, { ...record, data: "next", version: 2 }, "the other handle");
      await refuses(store, one, { ...record, data: "late", version: 2 }, "the first handle");
      await holds(store, one, { ...record, data: "next", version: 2 }, "the first handle");
      await store.touch(one, now() + 2 * hour);
      await holds(other, one, { data: "next", version: 2, expiresAt: now() + 2 * hour }, "the other handle, touched");
      await writes(store, two, record, "a second record");
      await other.delete(one);
      await holdsNone(store, one, "deleted by the other handle");
      await refuses(store, one, { ...record, data: "late", version: 3 }, "deleted by the other handle");
      await holds(other, two, record, "the second record");
    },
  },
  {
    name: "has what was written before for a handle that is opened later",
    area: "handles",
    needs: ["another"],
    run: async ({ store, id, now, another }) => {
      const one = id();
      const record = { data: "before", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "before");
      await holds(await another(), one, record, "a later handle");
    },
  },
  ...inRaces("lets exactly one of many writes of a version win", async ({ id, now }, handles) => {
    const one = id();
    for (let version = 1; version <= rounds; version++) {
      await oneWins(handles, one, version, now() + hour, `version ${version}`);
    }
  }),
  ...inRaces("lets exactly one of many create in the place of what is over", async ({ store, id, now }, handles) => {
    const one = id();
    for (let round = 1; round <= rounds; round++) {
      await oneWins(handles, one, 1, now() + hour, `round ${round}`);
      await store.touch(one, now() - 1);
    }
  }),
  ...inRaces("loses no change of writers that read, write and try again", async ({ store, id, now }, handles) => {
    const one = id();
    const each = 5;
    await writes(store, one, { data: "0", version: 1, expiresAt: now() + hour }, "first");
    const count = async (handle: SessionStore): Promise<void> => {
      for (let left = each; left > 0;) {
        const read = await handle.read(one);
        ok(read, "the record is gone");
        const { data, version, expiresAt } = read;
        equal(data, String(version - 1), "the data is of another version than the record");
        if (await handle.write(one, { data: String(Number(data) + 1), version: version + 1, expiresAt })) left--;
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => count(handleOf(handles, index))));
    await holds(store, one, { data: String(8 * each), version: 8 * each + 1, expiresAt: now() + hour }, "after all of them");
  }),
  ...inRaces("lets a delete win over a save at the same time", async ({ store, id, now }, handles) => {
    for (let round = 0; round < 2 * rounds; round++) {
      const one = id();
      const record = { data: "first", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "first");
      const save = async (): Promise<unknown> => handleOf(handles, round).write(one, { ...record, data: "second", version: 2 });
      const end = async (): Promise<unknown> => handleOf(handles, round + 1).delete(one);
      await Promise.all(round % 4 < 2 ? [save(), end()] : [end(), save()]);
      for (const handle of handles) await holdsNone(handle, one, `round ${round}`);
    }
  }),
  ...inRaces("loses no save to a touch at the same time", async ({ store, id, now }, handles) => {
    const one = id();
    await writes(store, one, { data: "0", version: 1, expiresAt: now() + hour }, "first");
    for (let version = 2; version <= rounds; version++) {
      const expiresAt = now() + hour + version;
      const save = async (): Promise<unknown> =>
        handleOf(handles, version).write(one, { data: String(version), version, expiresAt });
      const touch = async (): Promise<unknown> => handleOf(handles, version + 1).touch(one, expiresAt);
      const [first, second] = await Promise.all(version % 4 < 2 ? [save(), touch()] : [touch(), save()]);
      equal(version % 4 < 2 ? first : second, true, `the save of version ${version} was refused`);
      await holds(store, one, { data: String(version), version, expiresAt }, `version ${version}`);
    }
  }),
  {
    name: "takes many writes of different ids at the same time",
    area: "races",
    needs: [],
    run: async ({ store, id, now }) => {
      const records = Array.from(
        { length: 200 },
        (_, index) => [id(), { data: `${index}`, version: 1, expiresAt: now() + hour }] as const,
      );
      await Promise.all(records.map(([one, record]) => writes(store, one, record, "at the same time")));
      await Promise.all(records.map(([one, record]) => holds(store, one, record, "at the same time")));
      await Promise.all(records.map(async ([one]) => store.delete(one)));
      await Promise.all(records.map(([one]) => holdsNone(store, one, "at the same time")));
    },
  },
  {
    name: "throws or rejects while it cannot do its work",
    area: "failure",
    needs: ["breakDown"],
    run: async ({ store, id, now, breakDown }) => {
      const one = id();
      const record = { data: "here", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "before");
      await breakDown();
      await fails("read", async () => store.read(one));
      await fails("read of an unknown id", async () => store.read(id()));
      await fails("write", async () => store.write(one, { ...record, version: 2 }));
      await fails("write of a new record", async () => store.write(id(), record));
      await fails("touch", async () => store.touch(one, now() + hour));
      await fails("delete", async () => store.delete(one));
      if (store.prune !== undefined) await fails("prune", async () => store.prune?.());
    },
  },
  {
    name: "works again afterwards, with every record as it was",
    area: "failure",
    needs: ["breakDown", "mend"],
    run: async ({ store, id, now, breakDown, mend }) => {
      const one = id();
      const record = { data: "here", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "before");
      await breakDown();
      await fails("write", async () => store.write(one, { ...record, data: "lost", version: 2 }));
      await fails("delete", async () => store.delete(one));
      await mend();
      await holds(store, one, record, "afterwards");
      await writes(store, one, { ...record, data: "next", version: 2 }, "afterwards");
      await holds(store, one, { ...record, data: "next", version: 2 }, "afterwards");
    },
  },
  {
    name: "may be closed more than once",
    area: "close",
    needs: [],
    run: async ({ store, id, now }) => {
      await writes(store, id(), { data: "here", version: 1, expiresAt: now() + hour }, "before");
      await store.close?.();
      await store.close?.();
    },
  },
  {
    name: "leaves other handles and the data alone when it is closed",
    area: "close",
    needs: ["another"],
    run: async ({ store, id, now, another }) => {
      const one = id();
      const other = await another();
      const record = { data: "stays", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "before");
      await store.close?.();
      await holds(other, one, record, "the other handle");
      await writes(other, one, { ...record, version: 2 }, "the other handle");
      await holds(await another(), one, { ...record, version: 2 }, "a third handle");
    },
  },
];

/** What a store answers while it is down must be an error: "no such session" would log everybody out, "done" would lose a save. */
async function fails(what: string, work: () => Promise<unknown>): Promise<void> {
  let answer: unknown;
  try {
    answer = await work();
  } catch (error) {
    // Not every driver makes its errors by a class, and a test runner may have an Error of its own.
    const isError = error instanceof Error || Object.prototype.toString.call(error) === "[object Error]";
    equal(isError, true, `${what}: what it throws is no Error: ${String(error)}`);
    return;
  }
  throw new Error(`${what}: answered ${JSON.stringify(answer) ?? "undefined"} while the store was down`);
}
