import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Changes } from "./changes.ts";
import { Contents } from "./contents.ts";

const contentsOf = (data: Readonly<Record<string, unknown>>, flash: Readonly<Record<string, unknown>> = {}): Contents =>
  new Contents({ ...data }, { ...flash });

const shown = ({ data, flash }: Contents): unknown => [data.record, flash.record];

const increment = (value: unknown): unknown => ((value as number | undefined) ?? 0) + 1;

describe("Changes", () => {
  it("leaves alone what the request did not change", () => {
    const changes = new Changes();
    changes.set("mine", 1);
    changes.delete("gone");
    const other = contentsOf({ theirs: 2, gone: 3 });
    changes.applyTo(other);
    expect(shown(other)).toEqual(shown(contentsOf({ theirs: 2, mine: 1 })));
  });

  it("counts on top of what others have counted", () => {
    const changes = new Changes();
    changes.update("count", increment, 1);
    changes.update("count", increment, 2);
    const other = contentsOf({ count: 40 });
    changes.applyTo(other);
    expect(other.data.get("count")).toBe(42);
  });

  it("counts from what the request itself has set", () => {
    for (const begin of [(c: Changes) => c.set("count", 5), (c: Changes) => c.delete("count"), (c: Changes) => c.clear()]) {
      const changes = new Changes();
      begin(changes);
      changes.update("count", increment, 6);
      const other = contentsOf({ count: 40 });
      changes.applyTo(other);
      expect(other.data.get("count")).toBe(6);
    }
  });

  it("deletes a key whose update gave nothing", () => {
    const changes = new Changes();
    changes.update("count", () => undefined, undefined);
    const other = contentsOf({ count: 40 });
    changes.applyTo(other);
    expect(other.data.has("count")).toBe(false);
  });

  it("clears also what others have put there", () => {
    const changes = new Changes();
    changes.set("before", 1);
    changes.clear();
    changes.set("after", 2);
    const other = contentsOf({ theirs: 3 }, { note: "read me" });
    changes.applyTo(other);
    expect(shown(other)).toEqual(shown(contentsOf({ after: 2 })));
  });

  it("keeps a flash that is set after one was read", () => {
    const changes = new Changes();
    changes.takeFlash("note");
    changes.setFlash("note", "new");
    changes.takeFlash("other");
    const other = contentsOf({}, { note: "old", other: "gone", third: "stays" });
    changes.applyTo(other);
    expect(shown(other)).toEqual(shown(contentsOf({}, { note: "new", third: "stays" })));
  });

  it("makes of the same contents what the request made of them, whatever it did", () => {
    const key = fc.constantFrom("a", "b", "c");
    const step = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), key, value: fc.integer() }),
      fc.record({ kind: fc.constant("delete" as const), key }),
      fc.record({ kind: fc.constant("update" as const), key }),
      fc.record({ kind: fc.constant("clear" as const) }),
    );
    fc.assert(
      fc.property(fc.array(step), fc.dictionary(key, fc.integer()), (steps, start) => {
        const changes = new Changes();
        const seen = contentsOf(start).data;
        for (const one of steps) {
          switch (one.kind) {
            case "set":
              seen.set(one.key, one.value);
              changes.set(one.key, one.value);
              break;
            case "delete":
              seen.delete(one.key);
              changes.delete(one.key);
              break;
            case "update": {
              const value = increment(seen.get(one.key));
              seen.set(one.key, value);
              changes.update(one.key, increment, value);
              break;
            }
            case "clear":
              seen.clear();
              changes.clear();
              break;
          }
        }
        const replayed = contentsOf(start);
        changes.applyTo(replayed);
        expect(replayed.data.record).toEqual(seen.record);
      }),
    );
  });
});
