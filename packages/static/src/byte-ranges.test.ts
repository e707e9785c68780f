import { describe, expect, it } from "vitest";
import { maxRanges, multipart, parseRange } from "./byte-ranges.ts";

const whole = "ignore";
const none = "unsatisfiable";

describe("parseRange", () => {
  it.each([
    // RFC 9110, section 14.1.2, for a representation of 10000 octets.
    ["bytes=0-499", 10_000, [[0, 499]]],
    ["bytes=500-999", 10_000, [[500, 999]]],
    ["bytes=-500", 10_000, [[9500, 9999]]],
    ["bytes=9500-", 10_000, [[9500, 9999]]],
    [
      "bytes=0-0,-1",
      10_000,
      [
        [0, 0],
        [9999, 9999],
      ],
    ],
    [
      "bytes= 0-999, 4500-5499, -1000",
      10_000,
      [
        [0, 999],
        [4500, 5499],
        [9000, 9999],
      ],
    ],
    ["bytes=500-600,601-999", 10_000, [[500, 999]]],
    ["bytes=500-700,601-999", 10_000, [[500, 999]]],
    // Units are case-insensitive; others are not ours.
    ["BYTES=0-1", 10, [[0, 1]]],
    ["items=0-1", 10, whole],
    ["bytes", 10, whole],
    ["bytes 0-1", 10, whole],
    ["bytes =0-1", 10, whole],
    // Lists may have empty members and white space.
    ["bytes=,0-1,,", 10, [[0, 1]]],
    [
      "bytes=0-1 ,\t3-4",
      10,
      [
        [0, 1],
        [3, 4],
      ],
    ],
    ["bytes=", 10, whole],
    ["bytes=,", 10, whole],
    // Beyond the end.
    ["bytes=5-99", 10, [[5, 9]]],
    ["bytes=-99", 10, [[0, 9]]],
    ["bytes=10-", 10, none],
    ["bytes=99-100", 10, none],
    ["bytes=99-,0-0", 10, [[0, 0]]],
    ["bytes=-0", 10, none],
    ["bytes=-0,1-1", 10, [[1, 1]]],
    ["bytes=0-99999999999999999999999999", 10, [[0, 9]]],
    ["bytes=99999999999999999999999999-", 10, none],
    ["bytes=-99999999999999999999999999", 10, [[0, 9]]],
    // Invalid or malformed: the whole set is.
    ["bytes=5-2", 10, whole],
    ["bytes=0-1,5-2", 10, whole],
    ["bytes=99999999999999999999-99999999999999999998", 10, whole],
    ["bytes=00000000000000000000000-0", 10, [[0, 0]]],
    ["bytes=-", 10, whole],
    ["bytes=a-b", 10, whole],
    ["bytes=0-1x", 10, whole],
    ["bytes=+0-1", 10, whole],
    ["bytes=0x0-1", 10, whole],
    ["bytes=0--1", 10, whole],
    ["bytes=0 - 1", 10, whole],
    ["bytes=1", 10, whole],
    ["bytes=0-1;2-3", 10, whole],
    // The order is the client's, but for what became one.
    [
      "bytes=8-9,0-1",
      10,
      [
        [8, 9],
        [0, 1],
      ],
    ],
    [
      "bytes=8-9,0-1,1-3",
      10,
      [
        [8, 9],
        [0, 3],
      ],
    ],
    ["bytes=5-6,8-9,0-7", 10, [[0, 9]]],
    ["bytes=0-,0-,0-", 10, [[0, 9]]],
    // Nothing to take a part of.
    ["bytes=0-", 0, none],
    ["bytes=-5", 0, whole],
    ["bytes=-0", 0, none],
  ] as const)("reads %j of %i octets", (header, length, expected) => {
    const ranges = parseRange(header, length);
    expect(typeof ranges === "string" ? ranges : ranges.map(({ first, last }) => [first, last])).toEqual(expected);
  });

  it(`answers ${maxRanges} ranges, and gives the whole for more`, () => {
    const header = (count: number): string => `bytes=${Array.from({ length: count }, (_, i) => `${i * 3}-${i * 3}`).join()}`;
    expect(parseRange(header(maxRanges), 1000)).toHaveLength(maxRanges);
    expect(parseRange(header(maxRanges + 1), 1000)).toBe("ignore");
  });

  it("takes no long time for a long header", () => {
    expect(parseRange(`bytes=${"0-,".repeat(5000)}`, 10)).toBe("ignore");
    expect(parseRange(`bytes=${" ".repeat(900)}x`, 10)).toBe("ignore");
  });
});

describe("multipart", () => {
  it("frames the parts as RFC 9110, section 14.6 shows it", () => {
    const ranges = [
      { first: 500, last: 999 },
      { first: 7000, last: 7999 },
    ];
    const { heads, end, length, contentType } = multipart(ranges, 8000, "application/pdf", "THIS_STRING_SEPARATES");
    expect(contentType).toBe("multipart/byteranges; boundary=THIS_STRING_SEPARATES");
    expect(heads.map(String)).toEqual([
      "--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\nContent-Range: bytes 500-999/8000\r\n\r\n",
      "\r\n--THIS_STRING_SEPARATES\r\nContent-Type: application/pdf\r\nContent-Range: bytes 7000-7999/8000\r\n\r\n",
    ]);
    expect(String(end)).toBe("\r\n--THIS_STRING_SEPARATES--\r\n");
    expect(length).toBe(1500 + heads.reduce((sum, head) => sum + head.length, end.length));
  });
});
