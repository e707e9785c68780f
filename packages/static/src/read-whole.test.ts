import { closeSync, fstatSync, openSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { stampOf } from "./file-stamp.ts";
import { readWhole, type WholeFile } from "./read-whole.ts";
import { longAgo, testFolder } from "./test-site.ts";

/** Reads a file; `meanwhile` runs behind the first reading of it, each time. */
function reading(path: string, maxBytes: number, meanwhile: () => boolean): WholeFile | undefined {
  const descriptor = openSync(path, "r");
  try {
    return readWhole({ descriptor, stamp: stampOf(fstatSync(descriptor, { bigint: true })) }, maxBytes, meanwhile);
  } finally {
    closeSync(descriptor);
  }
}

describe("readWhole", () => {
  it("gives the bytes, and what the file was", () => {
    using folder = testFolder();
    const path = folder.put("a.txt", "content");
    const whole = reading(path, 7, () => false);
    expect(whole?.bytes?.toString()).toBe("content");
    expect(whole?.stamp).toMatchObject({ size: 7, modified: BigInt(longAgo) * 1_000_000_000n });
    expect(reading(folder.put("empty", ""), 7, () => true)?.bytes).toHaveLength(0);
  });

  it("gives no bytes of a file that is too large, or becomes so", () => {
    using folder = testFolder();
    const path = folder.put("a.txt", "content");
    expect(reading(path, 6, () => false)).toMatchObject({ bytes: undefined, stamp: { size: 7 } });
    const grow = (): boolean => {
      writeFileSync(path, "much more content");
      return false;
    };
    expect(reading(path, 10, grow)).toMatchObject({ bytes: undefined, stamp: { size: 17 } });
  });

  it("reads again where the file was written meanwhile, or cut short", () => {
    using folder = testFolder();
    const path = folder.put("a.txt", "one");
    let turn = 0;
    const write = (): boolean => {
      if (turn++ === 0) writeFileSync(path, "two");
      return false;
    };
    expect(reading(path, 100, write)?.bytes?.toString()).toBe("two");
    const cut = (): boolean => {
      if (turn++ === 2) truncateSync(path, 1);
      return true;
    };
    expect(reading(path, 100, cut)?.bytes?.toString()).toBe("t");
  });

  it("reads a young file twice, so that a change shows that its time of change does not tell", () => {
    using folder = testFolder();
    const path = folder.put("a.txt", "one");
    let turn = 0;
    const change = (): boolean => {
      if (turn++ === 0) {
        writeFileSync(path, "two");
        utimesSync(path, longAgo, longAgo);
      }
      return true;
    };
    expect(reading(path, 100, change)?.bytes?.toString()).toBe("two");
  });

  it("gives up on a file that never holds still", () => {
    using folder = testFolder();
    const path = folder.put("a.txt", "0");
    let turn = 0;
    const change = (): boolean => {
      writeFileSync(path, `${turn++}`);
      return true;
    };
    expect(reading(path, 100, change)).toBeUndefined();
    expect(turn).toBe(20);
  });
});
