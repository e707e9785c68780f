import { equal } from "node:assert/strict";
import { holds, holdsNone, hour, refuses, writes } from "./expect.ts";
import type { StoreCase } from "./types.ts";

export const timeCases: readonly StoreCase[] = [
  {
    name: "moves the end of a record and leaves data and version alone",
    area: "touch",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      const record = { data: "touched", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "first");
      for (const expiresAt of [now() + 3 * hour, now() + 2 * hour, now() + 2 * hour, now() + 30 * 24 * hour]) {
        await store.touch(one, expiresAt);
        await holds(store, one, { ...record, expiresAt }, "after a touch");
      }
      await writes(store, one, { ...record, data: "next", version: 2 }, "the next version after touches");
      await store.touch(one, now() + 4 * hour);
      await holds(store, one, { data: "next", version: 2, expiresAt: now() + 4 * hour }, "after a touch of the second version");
      await refuses(store, one, record, "the first version again");
    },
  },
  {
    name: "creates nothing by a touch",
    area: "touch",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      await store.touch(one, now() + hour);
      await holdsNone(store, one, "after a touch of an unknown id");
      await refuses(store, one, { data: "no", version: 2, expiresAt: now() + hour }, "after a touch of an unknown id");
      const record = { data: "first", version: 1, expiresAt: now() + hour };
      await writes(store, one, record, "after a touch of an unknown id");
      await store.delete(one);
      await store.touch(one, now() + hour);
      await holdsNone(store, one, "after a touch of a deleted record");
    },
  },
  {
    name: "ends a record by a touch into the past, and does not revive it",
    area: "touch",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      await writes(store, one, { data: "over", version: 1, expiresAt: now() + hour }, "first");
      await store.touch(one, now() - 1);
      await holdsNone(store, one, "touched into the past");
      await store.touch(one, now() + hour);
      await holdsNone(store, one, "touched back into the future");
      await refuses(store, one, { data: "no", version: 2, expiresAt: now() + hour }, "the next version of what is over");
    },
  },
  {
    name: "removes a record",
    area: "delete",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      await writes(store, one, { data: "here", version: 1, expiresAt: now() + hour }, "first");
      await store.delete(one);
      await holdsNone(store, one, "deleted");
      await store.delete(one);
      await holdsNone(store, one, "deleted twice");
      await store.delete(id());
    },
  },
  {
    name: "does not bring back a deleted record by a save that began before",
    area: "delete",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      const expiresAt = now() + hour;
      await writes(store, one, { data: "first", version: 1, expiresAt }, "first");
      await writes(store, one, { data: "second", version: 2, expiresAt }, "second");
      await store.delete(one);
      for (const version of [2, 3, 4]) {
        await refuses(store, one, { data: "late", version, expiresAt }, "after the delete");
        await holdsNone(store, one, "after the refused save");
      }
      await writes(store, one, { data: "new", version: 1, expiresAt }, "a new session of this id");
      await holds(store, one, { data: "new", version: 1, expiresAt }, "a new session of this id");
    },
  },
  {
    name: "takes a record that is over when it is written, and does not show it",
    area: "expiry",
    needs: [],
    run: async ({ store, id, now }) => {
      const one = id();
      await writes(store, one, { data: "over", version: 1, expiresAt: now() - 1 }, "over from the start");
      await holdsNone(store, one, "over from the start");
      await writes(store, one, { data: "live", version: 1, expiresAt: now() + hour }, "a new one in its place");
      await writes(store, one, { data: "over", version: 2, expiresAt: now() - hour }, "over with its second version");
      await holdsNone(store, one, "over with its second version");
      await refuses(store, one, { data: "late", version: 3, expiresAt: now() + hour }, "after the end");
      await writes(store, one, { data: "live", version: 1, expiresAt: now() + hour }, "a new one after the end");
      await holds(store, one, { data: "live", version: 1, expiresAt: now() + hour }, "a new one after the end");
    },
  },
  {
    name: "keeps records with an end in the far future",
    area: "expiry",
    needs: [],
    run: async ({ store, id, now }) => {
      // Years 2100 and 9999, beyond 32 bits in seconds and in milliseconds.
      for (const expiresAt of [4_102_444_800_000, 253_402_300_799_999]) {
        const one = id();
        await writes(store, one, { data: "long", version: 1, expiresAt }, "far");
        await holds(store, one, { data: "long", version: 1, expiresAt }, "far");
        await store.touch(one, expiresAt - 1);
        await holds(store, one, { data: "long", version: 1, expiresAt: expiresAt - 1 }, "far, touched");
        await store.touch(one, now() + hour);
      }
    },
  },
  {
    name: "has a record until the moment before its end, and not from then on",
    area: "expiry",
    needs: ["clock"],
    run: async ({ store, id, now, advance }) => {
      const one = id();
      const record = { data: "for a minute", version: 1, expiresAt: now() + 60_000 };
      await writes(store, one, record, "first");
      advance(59_999);
      await holds(store, one, record, "a millisecond before the end");
      advance(1);
      await holdsNone(store, one, "at the end");
      advance(hour);
      await holdsNone(store, one, "long after the end");
    },
  },
  {
    name: "goes by the end that a touch or a write has moved",
    area: "expiry",
    needs: ["clock"],
    run: async ({ store, id, now, advance }) => {
      const one = id();
      const start = now();
      await writes(store, one, { data: "first", version: 1, expiresAt: start + 60_000 }, "first");
      advance(59_000);
      await store.touch(one, start + 120_000);
      advance(60_000);
      await holds(store, one, { data: "first", version: 1, expiresAt: start + 120_000 }, "after the first end");
      await writes(store, one, { data: "second", version: 2, expiresAt: start + 180_000 }, "second");
      advance(60_999);
      await holds(store, one, { data: "second", version: 2, expiresAt: start + 180_000 }, "before the third end");
      advance(1);
      await holdsNone(store, one, "at the third end");
    },
  },
  {
    name: "takes an expired record for none, whatever its octets do",
    area: "expiry",
    needs: ["clock"],
    run: async ({ store, id, now, advance }) => {
      const one = id();
      await writes(store, one, { data: "first", version: 1, expiresAt: now() + 60_000 }, "first");
      await writes(store, one, { data: "second", version: 2, expiresAt: now() + 60_000 }, "second");
      advance(60_000);
      await store.touch(one, now() + hour);
      await holdsNone(store, one, "touched after its end");
      await refuses(store, one, { data: "late", version: 3, expiresAt: now() + hour }, "a late save");
      await holdsNone(store, one, "after the late save");
      const fresh = { data: "new", version: 1, expiresAt: now() + hour };
      await writes(store, one, fresh, "a new session of this id");
      await refuses(store, one, { data: "late", version: 3, expiresAt: now() + hour }, "a very late save");
      await holds(store, one, fresh, "a new session of this id");
      const other = id();
      await writes(store, other, { data: "other", version: 1, expiresAt: now() + 1000 }, "another");
      advance(1000);
      await store.delete(other);
      await writes(store, other, fresh, "after the delete of what had expired");
    },
  },
  {
    name: "prunes what has expired, and says how many that were",
    area: "expiry",
    needs: ["clock", "prune"],
    run: async ({ store, id, now, advance }) => {
      // What other cases have left is over by then.
      advance(60 * 24 * hour);
      await store.prune?.();
      const live = { data: "live", version: 1, expiresAt: now() + 2 * hour };
      const ids = Array.from({ length: 12 }, id);
      for (const [index, one] of ids.entries()) {
        await writes(store, one, index < 5 ? { ...live, expiresAt: now() + 60_000 } : live, `record ${index}`);
      }
      advance(59_999);
      equal(await store.prune?.(), 0, "a millisecond before the end of five records");
      advance(1);
      equal(await store.prune?.(), 5, "at the end of five records");
      equal(await store.prune?.(), 0, "again");
      for (const [index, one] of ids.entries()) {
        await (index < 5 ? holdsNone(store, one, "pruned") : holds(store, one, live, "left alone"));
      }
      for (const one of ids) await store.delete(one);
    },
  },
];
