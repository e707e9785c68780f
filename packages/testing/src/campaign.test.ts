import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut, eventually, mutatePackets, pieces, readPacket, seededRandom, turns, type PacketReaderLike } from "./campaign.ts";

describe("seededRandom", () => {
  it("gives the same numbers for the same seed, from 0 to 1", () => {
    const [one, same, other] = [seededRandom(1), seededRandom(1), seededRandom(2)];
    const numbers = Array.from({ length: 100 }, () => one());
    expect(Array.from({ length: 100 }, () => same())).toEqual(numbers);
    expect(other()).not.toBe(numbers[0]);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  });
});

describe("pieces and cut", () => {
  it("leave nothing out", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer(), fc.array(fc.nat({ max: 9 })), (text, seed, sizes) => {
        expect(pieces(text, seededRandom(seed)).join("")).toBe(text);
        expect(cut(text, sizes).join("")).toBe(text);
        expect(cut(text, sizes)).toHaveLength(sizes.length + 1);
      }),
    );
  });
});

describe("eventually", () => {
  it("lets the loop turn until it is so", async () => {
    let isSo = false;
    void turns(5).then(() => (isSo = true));
    await eventually(() => isSo);
    expect(isSo).toBe(true);
  });
});

/** One octet that says how many follow; of these, names and values that are one octet long. */
const reader = (isWrong: boolean): PacketReaderLike => {
  let seen = "";
  return {
    push(chunk) {
      // A reader with a fault forgets what it had of a packet.
      seen = (isWrong ? "" : seen) + chunk.toString("latin1");
      const length = seen.charCodeAt(0);
      if (length % 2 !== 0) throw Object.assign(new Error("odd"), { name: "Refusal", code: 400 });
      return seen.length > length
        ? { variables: seen.slice(1, 1 + length).split(""), rest: Buffer.from(seen.slice(1 + length), "latin1") }
        : undefined;
    },
  };
};

describe("readPacket", () => {
  it("tells what was read, what was refused, and what is not whole", () => {
    expect(readPacket(reader(false), ["\x02a", "brest"])).toEqual({ variables: ["a", "b"], rest: "rest", code: 0 });
    expect(readPacket(reader(false), ["\x03a"]).code).toBe(400);
    expect(readPacket(reader(false), ["\x04a"]).code).toBe(-1);
  });

  it("throws what is no refusal", () => {
    const broken = { push: () => expect.unreachable("a defect") };
    expect(() => readPacket(broken, ["a"])).toThrow("a defect");
  });
});

describe("mutatePackets", () => {
  const campaign = { seed: 1, count: 300, packets: ["\x04abcd", "\x02ab-body"], tricky: ["\0", "\x02"], atBegin: 0.3 };

  it("counts what became of each", () => {
    const counts = mutatePackets({ ...campaign, read: (parts) => readPacket(reader(false), parts) });
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(300);
    expect(counts.get("refused with 400")).toBeGreaterThan(10);
    expect(counts.get("answered with 400 Bad Request")).toBeGreaterThan(10);
  });

  it("fails for a reader that reads pieces in another way", () => {
    expect(() => mutatePackets({ ...campaign, read: (parts) => readPacket(reader(true), parts) })).toThrow(
      "in another way in pieces",
    );
  });
});
