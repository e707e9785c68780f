import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Coding } from "./codings.ts";
import { negotiation } from "./negotiate.ts";
import { scaled } from "@gateway/testing/campaign";

const order: readonly Coding[] = ["br", "gzip", "deflate"];
const negotiate = negotiation(order);

interface Member {
  readonly name: string;
  readonly weight: number;
}

/**
 * RFC 9110, section 12.5.3, read on its own: what a member list means for each coding.
 *
 * 1. Without a coding a body is acceptable, unless `identity;q=0` or `*;q=0` says else and no more specific member for identity.
 * 2. A coding is acceptable when it is listed with a weight that is not zero.
 * 3. The acceptable one with the highest weight is preferred; between equals the server chooses. `*` stands for what is not listed.
 */
function oracle(members: readonly Member[]): { coding: string | undefined; identity: boolean } {
  const weightOf = (name: string): number | undefined =>
    (members.find((member) => member.name === name) ?? members.find((member) => member.name === "*"))?.weight;
  let best: string | undefined;
  let bestWeight = 0;
  for (const coding of order) {
    const weight = weightOf(coding) ?? 0;
    if (weight > bestWeight) [best, bestWeight] = [coding, weight];
  }
  const identity = weightOf("identity");
  const nothing = best === undefined && identity === 0;
  if (identity !== undefined && identity > bestWeight) best = undefined;
  // Nothing is acceptable: section 12.4.1 lets the server disregard the field.
  return { coding: best, identity: nothing || identity !== 0 };
}

function header(members: readonly Member[], separator = ", "): string {
  return members.map(({ name, weight }) => (weight === 1 ? name : `${name};q=${weight}`)).join(separator);
}

describe("negotiation", () => {
  it.each([
    // The examples of the RFC, and what its sentences say.
    [undefined, undefined, true],
    ["", undefined, true],
    ["compress, gzip", "gzip", true],
    ["*", "br", true],
    ["compress;q=0.5, gzip;q=1.0", "gzip", true],
    ["gzip;q=1.0, identity; q=0.5, *;q=0", "gzip", true],
    ["identity", undefined, true],
    ["identity;q=0", undefined, true],
    ["identity;q=0, gzip", "gzip", false],
    ["*;q=0", undefined, true],
    ["*;q=0, gzip", "gzip", false],
    ["*;q=0, identity", undefined, true],
    ["*;q=0.5, br;q=0", "gzip", true],
    ["gzip;q=0", undefined, true],
    ["gzip, deflate, br, zstd", "br", true],
    ["gzip;q=0.8, br;q=0.7", "gzip", true],
    ["identity, gzip;q=0.5", undefined, true],
    ["identity;q=0.5, gzip;q=0.5", "gzip", true],
    ["GZIP;Q=1", "gzip", true],
    ["x-gzip", "gzip", true],
    ["x-gzip;q=0, *", "br", true],
    ["not-x-gzip", undefined, true],
    ["gzip\t;\tq=0.1\t,\tidentity;q=0.05", "gzip", true],
    [",, ,gzip,", "gzip", true],
    ["unheard-of", undefined, true],
    ["gzip;q=0.001", "gzip", true],
    ["gzip;q=0.000, br;q=0.0", undefined, true],
  ] as const)("of %j it takes %s, and identity: %s", (value, coding, isIdentityAcceptable) => {
    expect(negotiate(value)).toEqual({ coding, isIdentityAcceptable });
  });

  it("agrees with an oracle made of the RFC on every set of members and weights", () => {
    const names = ["br", "gzip", "deflate", "identity", "*", "compress"];
    const weights = [undefined, 0, 0.001, 0.5, 1];
    let checked = 0;
    // All of 5^6 combinations, each in the order of the names and in the opposite one.
    for (let n = 0; n < weights.length ** names.length; n++) {
      const members: Member[] = [];
      let rest = n;
      for (const name of names) {
        const weight = weights[rest % weights.length];
        rest = Math.floor(rest / weights.length);
        if (weight !== undefined) members.push({ name, weight });
      }
      for (const list of [members, members.toReversed()]) {
        const expected = oracle(list);
        const { coding, isIdentityAcceptable } = negotiate(header(list));
        if (coding !== expected.coding || isIdentityAcceptable !== expected.identity) {
          expect({ header: header(list), coding, isIdentityAcceptable }).toEqual({ header: header(list), ...expected });
        }
        checked++;
      }
    }
    expect(checked).toBe(31_250);
  });

  it("agrees with it however the list is written", () => {
    const member = fc.record({
      name: fc.constantFrom("br", "gzip", "deflate", "identity", "*"),
      weight: fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000),
    });
    const space = fc.constantFrom("", " ", "\t", "  ");
    const property = fc.property(
      fc.uniqueArray(member, { selector: ({ name }) => name, minLength: 1 }),
      fc.array(space, { minLength: 5, maxLength: 5 }),
      fc.boolean(),
      (members, [a = "", b = "", c = "", d = "", e = ""], upper) => {
        const written = members.map(({ name, weight }) => `${a}${name}${b};${c}q=${weight}${d}`).join(`,${e}`);
        const { coding, isIdentityAcceptable } = negotiate(upper ? written.toUpperCase() : written);
        expect({ coding, identity: isIdentityAcceptable }).toEqual(oracle(members));
      },
    );
    fc.assert(property, { numRuns: scaled(50_000), seed: 12_053 });
  });

  it("takes any text without throwing", () => {
    const property = fc.property(fc.string({ unit: "binary", maxLength: 60 }), (value) => {
      const { coding } = negotiate(value);
      expect(coding === undefined || order.includes(coding)).toBe(true);
    });
    fc.assert(property, { numRuns: scaled(20_000), seed: 12_053 });
  });

  it("follows the order of the server between equals", () => {
    const gzipFirst = negotiation(["gzip", "br"]);
    expect(gzipFirst("br, gzip").coding).toBe("gzip");
    expect(gzipFirst("br;q=0.9, gzip;q=0.8").coding).toBe("br");
  });

  it("remembers what it decided, and no endless number of it", () => {
    const first = negotiate("gzip;q=0.123");
    expect(negotiate("gzip;q=0.123")).toBe(first);
    for (let i = 0; i < 600; i++) negotiate(`gzip, made-up-${i}`);
    expect(negotiate("gzip;q=0.123")).not.toBe(first);
    const long = `gzip, ${"x".repeat(600)}`;
    expect(negotiate(long)).not.toBe(negotiate(long));
  });
});
