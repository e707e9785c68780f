import { describe, expect, it } from "vitest";
import { formatTraceparent, parseTraceparent } from "./traceparent.ts";

const id = "0af7651916cd43dd8448eb211c80319c";
const parent = "b7ad6b7169203331";

describe("parseTraceparent", () => {
  it("reads ids and flags", () => {
    expect(parseTraceparent(`00-${id}-${parent}-01`)).toEqual({ traceId: id, parentId: parent, flags: 1 });
    expect(parseTraceparent(`00-${id}-${parent}-00`)?.flags).toBe(0);
    expect(parseTraceparent(`00-${id}-${parent}-03`)?.flags).toBe(3);
  });

  it("drops flags that this version does not know", () => {
    expect(parseTraceparent(`00-${id}-${parent}-ff`)?.flags).toBe(3);
  });

  it("reads a later version as far as version 00 goes", () => {
    expect(parseTraceparent(`cc-${id}-${parent}-01-what-the-future-brings`)?.traceId).toBe(id);
    expect(parseTraceparent(`01-${id}-${parent}-01`)?.traceId).toBe(id);
  });

  it.each([
    "",
    `ff-${id}-${parent}-01`,
    `00-${id}-${parent}-01-more`,
    `00-${id}-${parent}-01-`,
    `cc-${id}-${parent}-01.more`,
    `cc-${id}-${parent}-012`,
    `00-${"0".repeat(32)}-${parent}-01`,
    `00-${id}-${"0".repeat(16)}-01`,
    `00-${id.toUpperCase()}-${parent}-01`,
    `0-${id}-${parent}-01`,
    `00-${id.slice(1)}-${parent}-01`,
    `00-${id}-${parent}g-01`,
    `00-${id}-${parent}-1`,
    `00-${id}-${parent}-.1`,
    `00_${id}_${parent}_01`,
    ` 00-${id}-${parent}-01`,
    `00-${id}-${parent}-01, 00-${id}-${parent}-01`,
    `00-${id}-${parent}-01\n`,
  ])("refuses %j", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});

describe("formatTraceparent", () => {
  it("writes what parseTraceparent reads", () => {
    expect(formatTraceparent(id, parent, 3)).toBe(`00-${id}-${parent}-03`);
    expect(parseTraceparent(formatTraceparent(id, parent, 2))).toEqual({ traceId: id, parentId: parent, flags: 2 });
  });
});
