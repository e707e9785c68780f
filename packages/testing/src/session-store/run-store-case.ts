import { equal } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { hour } from "./expect.ts";
import { sessionStoreCases } from "./table.ts";
import type { MakeStore, SessionStore, StoreBench, StoreCase, StoreNeed, StoreTestRunner, StoreUnderTest } from "./types.ts";

/** Settings of {@link sessionStoreConformance}. */
export interface StoreConformanceOptions {
  /** Shown in the names of the tests. */
  readonly name: string;
  /**
   * What the store cannot do, or the test cannot supply, each with the reason (default: nothing). The cases that need it become tests
   * that say so by name, and that fail where the store can do it after all.
   */
  readonly lacks?: Readonly<Partial<Record<StoreNeed, string>>>;
}

/**
 * Registers every case of the table with a test runner. `make` gives each case a store: one that goes by the clock that it is given,
 * unless `clock` is lacking.
 */
export function sessionStoreConformance(make: MakeStore, runner: StoreTestRunner, options: StoreConformanceOptions): void {
  const { name, lacks = {} } = options;
  runner.describe(`session store conformance: ${name}`, () => {
    runner.it("says whether it is atomic", () =>
      withStore(make, async ({ store }) => equal(store.atomic, lacks.atomic === undefined, "atomic")),
    );
    for (const area of new Set(sessionStoreCases.map((known) => known.area))) {
      runner.describe(area, () => {
        for (const known of sessionStoreCases) {
          if (known.area !== area) continue;
          const missing = known.needs.find((need) => lacks[need] !== undefined);
          if (missing === undefined) runner.it(known.name, () => runStoreCase(make, known));
          else runner.it(`leaves out "${known.name}": ${lacks[missing]}`, () => reallyLacks(make, missing));
        }
      });
    }
  });
}

/**
 * Runs one case.
 *
 * @throws {Error} that says what was expected and what came, or what `make` must supply for the case.
 */
export function runStoreCase(make: MakeStore, known: StoreCase): Promise<void> {
  return withStore(make, async (made, { now, advance }) => {
    const opened: SessionStore[] = [];
    const bench: StoreBench = {
      store: made.store,
      id: newId,
      now,
      advance,
      another: async () => {
        if (made.another === undefined) throw notSupplied("another");
        const other = await made.another();
        opened.push(other);
        return other;
      },
      breakDown: async () => {
        if (made.breakDown === undefined) throw notSupplied("breakDown");
        await made.breakDown();
      },
      mend: async () => {
        if (made.mend === undefined) throw notSupplied("mend");
        await made.mend();
      },
    };
    try {
      await known.run(bench);
    } finally {
      for (const store of opened) await store.close?.();
    }
  });
}

function newId(): string {
  return randomBytes(32).toString("base64url");
}

function notSupplied(name: string): TypeError {
  return new TypeError(`this case needs ${name}(): let make() supply it, or say in lacks.${name} why there is none`);
}

async function withStore(make: MakeStore, work: (made: StoreUnderTest, clock: Clock) => Promise<void>): Promise<void> {
  const clock = makeClock();
  const made = await make(clock.now);
  try {
    await work(made, clock);
  } finally {
    await made.store.close?.();
    await made.end?.();
  }
}

type Clock = Pick<StoreBench, "now" | "advance">;

function makeClock(): Clock {
  let time = Date.now();
  return { now: () => time, advance: (milliseconds) => void (time += milliseconds) };
}

/** A claim that has become untrue hides cases that would run. */
function reallyLacks(make: MakeStore, need: StoreNeed): Promise<void> {
  return withStore(make, async (made, { now, advance }) => {
    const { store } = made;
    if (need === "atomic") return equal(store.atomic, false, "the store says that it is atomic");
    if (need === "prune") return equal("prune" in store, false, "the store has prune()");
    if (need !== "clock") return equal(need in made, false, `make() supplies ${need}()`);
    const id = newId();
    await store.write(id, { data: "", version: 1, expiresAt: now() + hour });
    advance(2 * hour);
    equal((await store.read(id)) === undefined, false, "the store goes by the clock that it is given");
  });
}
