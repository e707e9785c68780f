import { describe, expect, it } from "vitest";
import { runStoreCase, sessionStoreConformance } from "./run-store-case.ts";
import { sessionStoreCases } from "./table.ts";
import type { MakeStore, SessionRecord, SessionStore, StoreUnderTest } from "./types.ts";

/** What several handles share. */
interface Disk {
  readonly records: Map<string, SessionRecord>;
  isDown: boolean;
}

/** The plainest store that keeps every obligation. Broken ones are made of it. */
class Reference implements SessionStore {
  readonly atomic: boolean = true;
  readonly synchronous: boolean = true;
  readonly disk: Disk;
  readonly now: () => number;

  constructor(disk: Disk, now: () => number) {
    this.disk = disk;
    this.now = now;
  }

  get records(): Map<string, SessionRecord> {
    if (this.disk.isDown) throw new Error("down");
    return this.disk.records;
  }

  live(id: string): SessionRecord | undefined {
    const record = this.records.get(id);
    return record !== undefined && record.expiresAt > this.now() ? record : undefined;
  }

  read(id: string): SessionRecord | undefined | Promise<SessionRecord | undefined> {
    return this.live(id);
  }

  write(id: string, record: SessionRecord): boolean | Promise<boolean> {
    if (record.version !== (this.live(id)?.version ?? 0) + 1) return false;
    this.records.set(id, Object.freeze({ ...record }));
    return true;
  }

  touch(id: string, expiresAt: number): void | Promise<void> {
    const record = this.live(id);
    if (record !== undefined) this.records.set(id, Object.freeze({ ...record, expiresAt }));
  }

  delete(id: string): void | Promise<void> {
    this.records.delete(id);
  }

  prune(): number | Promise<number> {
    let count = 0;
    for (const [id, { expiresAt }] of this.records) {
      if (expiresAt > this.now()) continue;
      this.records.delete(id);
      count++;
    }
    return count;
  }
}

/** The same, with a turn of the loop before each answer, and before each step where it is not in one. */
class Asynchronous extends Reference {
  override readonly synchronous: boolean = false;

  override async read(id: string): Promise<SessionRecord | undefined> {
    await turn();
    return super.read(id);
  }

  override async write(id: string, record: SessionRecord): Promise<boolean> {
    await turn();
    return super.write(id, record);
  }

  override async touch(id: string, expiresAt: number): Promise<void> {
    await turn();
    await super.touch(id, expiresAt);
  }

  override async delete(id: string): Promise<void> {
    await turn();
    await super.delete(id);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const makerOf =
  (Store: typeof Reference): MakeStore =>
  (now): StoreUnderTest => {
    const disk: Disk = { records: new Map(), isDown: false };
    return {
      store: new Store(disk, now),
      another: () => new Store(disk, now),
      breakDown: () => void (disk.isDown = true),
      mend: () => void (disk.isDown = false),
    };
  };

sessionStoreConformance(makerOf(Reference), { describe, it }, { name: "a synchronous reference" });
sessionStoreConformance(makerOf(Asynchronous), { describe, it }, { name: "an asynchronous reference" });

const splits = class extends Asynchronous {
  override async write(id: string, record: SessionRecord): Promise<boolean> {
    const live = await this.read(id);
    if (record.version !== (live?.version ?? 0) + 1) return false;
    await turn();
    this.records.set(id, Object.freeze({ ...record }));
    return true;
  }
};
const inTwoSteps = class extends splits {
  override readonly atomic = false;
};
sessionStoreConformance(
  (now) => {
    const { store } = makerOf(inTwoSteps)(now) as StoreUnderTest;
    // It has no prune(), by name too.
    const { atomic } = store;
    return {
      store: {
        atomic,
        read: (id) => store.read(id),
        write: (id, record) => store.write(id, record),
        touch: (id, expiresAt) => store.touch(id, expiresAt),
        delete: (id) => store.delete(id),
      },
    };
  },
  { describe, it },
  { name: "a store in two steps", lacks: { atomic: "two steps", another: "one handle", breakDown: "never down", prune: "none" } },
);

/** Defects that stores have had, and a case that must find each. */
const defects: readonly (readonly [string, string, typeof Reference])[] = [
  [
    "is not as synchronous as it says",
    "answers at once where it says that it is synchronous",
    class extends Asynchronous {
      override readonly synchronous = true;
    },
  ],
  ["compares and writes in two steps", "lets exactly one of many writes of a version win, through one handle", splits],
  ["loses changes", "loses no change of writers that read, write and try again, through two handles", splits],
  ["resurrects by a save at the same time", "lets a delete win over a save at the same time, through one handle", splits],
  [
    "brings back what was deleted",
    "does not bring back a deleted record by a save that began before",
    class extends Reference {
      override write(id: string, record: SessionRecord): boolean {
        const live = this.live(id);
        if (live !== undefined && record.version !== live.version + 1) return false;
        this.records.set(id, { ...record });
        return true;
      }
    },
  ],
  [
    "creates over a live record",
    "does not create over a live record",
    class extends Reference {
      override write(id: string, record: SessionRecord): boolean {
        if (record.version !== 1 && record.version !== (this.live(id)?.version ?? 0) + 1) return false;
        this.records.set(id, { ...record });
        return true;
      }
    },
  ],
  [
    "takes any later version",
    "replaces a record by its next version, and by no other",
    class extends Reference {
      override write(id: string, record: SessionRecord): boolean {
        if (record.version <= (this.live(id)?.version ?? 0)) return false;
        this.records.set(id, { ...record });
        return true;
      }
    },
  ],
  [
    "counts a touch as a version",
    "moves the end of a record and leaves data and version alone",
    class extends Reference {
      override touch(id: string, expiresAt: number): void {
        const record = this.live(id);
        if (record !== undefined) this.records.set(id, { ...record, version: record.version + 1, expiresAt });
      }
    },
  ],
  [
    "creates by a touch",
    "creates nothing by a touch",
    class extends Reference {
      override touch(id: string, expiresAt: number): void {
        this.records.set(id, { data: "", version: 0, ...this.live(id), expiresAt });
      }
    },
  ],
  [
    "revives by a touch",
    "ends a record by a touch into the past, and does not revive it",
    class extends Reference {
      override touch(id: string, expiresAt: number): void {
        const record = this.records.get(id);
        if (record !== undefined) this.records.set(id, { ...record, expiresAt });
      }
    },
  ],
  [
    "writes the whole record at a touch",
    "loses no save to a touch at the same time, through two handles",
    class extends Asynchronous {
      override async touch(id: string, expiresAt: number): Promise<void> {
        const record = this.live(id);
        await turn();
        await turn();
        if (record !== undefined) this.records.set(id, { ...record, expiresAt });
      }
    },
  ],
  [
    "keeps expired records in the way",
    "takes an expired record for none, whatever its octets do",
    class extends Reference {
      override write(id: string, record: SessionRecord): boolean {
        if (record.version !== (this.records.get(id)?.version ?? 0) + 1) return false;
        this.records.set(id, { ...record });
        return true;
      }
    },
  ],
  [
    "reads expired records",
    "has a record until the moment before its end, and not from then on",
    class extends Reference {
      override read(id: string): SessionRecord | undefined {
        return this.records.get(id);
      }
    },
  ],
  [
    "ends a moment too late",
    "has a record until the moment before its end, and not from then on",
    class extends Reference {
      override live(id: string): SessionRecord | undefined {
        const record = this.records.get(id);
        return record !== undefined && record.expiresAt >= this.now() ? record : undefined;
      }
    },
  ],
  [
    "goes by the first end for ever",
    "goes by the end that a touch or a write has moved",
    class extends Reference {
      override touch(): void {}
    },
  ],
  [
    "prunes live records",
    "prunes what has expired, and says how many that were",
    class extends Reference {
      override prune(): number {
        const { size } = this.records;
        this.records.clear();
        return size;
      }
    },
  ],
  [
    "knows no session while it is down",
    "throws or rejects while it cannot do its work",
    class extends Reference {
      override read(id: string): SessionRecord | undefined {
        return this.disk.isDown ? undefined : this.live(id);
      }
    },
  ],
  [
    "swallows a delete while it is down",
    "throws or rejects while it cannot do its work",
    class extends Reference {
      override delete(id: string): void {
        if (!this.disk.isDown) this.records.delete(id);
      }
    },
  ],
  [
    "trims data",
    "keeps data as it is: white space at both ends",
    class extends Reference {
      override write(id: string, record: SessionRecord): boolean | Promise<boolean> {
        return super.write(id, { ...record, data: record.data.trim() });
      }
    },
  ],
  [
    "ends text at NUL",
    "keeps data as it is: NUL in the middle",
    class extends Reference {
      override write(id: string, record: SessionRecord): boolean | Promise<boolean> {
        return super.write(id, { ...record, data: record.data.split("\0")[0] ?? "" });
      }
    },
  ],
  [
    "has room for 64 KiB",
    "keeps a mebibyte, in characters of one to four octets",
    class extends Reference {
      override write(id: string, record: SessionRecord): boolean | Promise<boolean> {
        return super.write(id, { ...record, data: record.data.slice(0, 65_536) });
      }
    },
  ],
  [
    "does not tell upper case from lower",
    "tells ids apart by every character and its case",
    class extends Reference {
      override live(id: string): SessionRecord | undefined {
        return super.live(id.toLowerCase());
      }
      override write(id: string, record: SessionRecord): boolean | Promise<boolean> {
        return super.write(id.toLowerCase(), record);
      }
    },
  ],
  [
    "gives its own record away",
    "is not changed through the records that it took or gave",
    class extends Reference {
      override write(id: string, record: SessionRecord): boolean {
        if (record.version !== (this.live(id)?.version ?? 0) + 1) return false;
        this.records.set(id, record);
        return true;
      }
    },
  ],
  [
    "deletes by a pattern",
    "takes a hostile id for a name like any other, or refuses it",
    class extends Reference {
      override delete(id: string): void {
        if (id === "*") this.records.clear();
        else this.records.delete(id);
      }
    },
  ],
  [
    "forgets its data when a handle closes",
    "leaves other handles and the data alone when it is closed",
    class extends Reference {
      close(): void {
        this.disk.records.clear();
      }
    },
  ],
  [
    "keeps a cache in each handle",
    "shows what another handle wrote, touched and deleted",
    class extends Reference {
      readonly cache = new Map<string, SessionRecord>();
      override read(id: string): SessionRecord | undefined {
        const found = this.cache.get(id) ?? this.live(id);
        if (found !== undefined) this.cache.set(id, found);
        return found;
      }
    },
  ],
];

describe("sessionStoreCases", () => {
  it("have names of their own", () => {
    expect(new Set(sessionStoreCases.map(({ name }) => name)).size).toBe(sessionStoreCases.length);
  });

  it.each(defects)("find a store that %s: %s", async (_, name, Store) => {
    const known = sessionStoreCases.find((one) => one.name === name);
    await expect(runStoreCase(makerOf(Store), known!)).rejects.toBeInstanceOf(Error);
  });

  it("say what make() must supply", async () => {
    const make: MakeStore = (now) => ({ store: new Reference({ records: new Map(), isDown: false }, now) });
    const known = sessionStoreCases.find(({ needs }) => needs.includes("breakDown"));
    await expect(runStoreCase(make, known!)).rejects.toThrow(
      "this case needs breakDown(): let make() supply it, or say in lacks.breakDown why",
    );
  });

  it("fail where the store can do what it is said to lack", async () => {
    const failing: string[] = [];
    const tests: Promise<void>[] = [];
    const lacks = { atomic: "untrue", clock: "untrue", prune: "untrue", another: "untrue", breakDown: "untrue" };
    sessionStoreConformance(
      makerOf(Reference),
      {
        describe: (_, body) => body(),
        it: (name, body) => void tests.push(body().catch(() => void failing.push(name))),
      },
      { name: "a store that can", lacks },
    );
    await Promise.all(tests);
    const left = sessionStoreCases.filter(({ needs }) => needs.length > 0);
    expect(failing).toHaveLength(left.length + 1);
    expect(failing).toContain("says whether it is atomic");
  });

  it("close the handles and clear away, also after a failure", async () => {
    const ends: string[] = [];
    const make: MakeStore = (now) => {
      const disk: Disk = { records: new Map(), isDown: false };
      const opened = (name: string): SessionStore => Object.assign(new Reference(disk, now), { close: () => void ends.push(name) });
      return { store: opened("store"), another: () => opened("another"), end: () => void ends.push("end") };
    };
    const failure = runStoreCase(make, {
      name: "fails",
      area: "read",
      needs: [],
      run: async ({ another }) => {
        await another();
        throw new Error("as it must");
      },
    });
    await expect(failure).rejects.toThrow("as it must");
    expect(ends).toEqual(["another", "store", "end"]);
  });
});
