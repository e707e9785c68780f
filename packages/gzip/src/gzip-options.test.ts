import { describe, expect, it } from "vitest";
import { gzip, type GzipOptions } from "./gzip.ts";

describe("the options of gzip", () => {
  it.each<[unknown, string]>([
    [{ codings: [] }, "gzip: codings is a list of one or more codings"],
    [{ codings: "gzip" }, "gzip: codings is a list of one or more codings"],
    [{ codings: ["lzma"] }, 'gzip: codings knows zstd, br, gzip, deflate, not "lzma"'],
    [{ codings: ["gzip", "gzip"] }, "gzip: codings names one twice"],
    [{ levels: { brotli: 4 } }, 'gzip: levels knows zstd, br, gzip, deflate, not "brotli"'],
    [{ levels: { br: 12 } }, "gzip: levels.br is a whole number from 0 to 11, not 12"],
    [{ levels: { gzip: 1.5 } }, "gzip: levels.gzip is a whole number from 0 to 9, not 1.5"],
    [{ levels: { deflate: "6" } }, "gzip: levels.deflate is a whole number from 0 to 9, not 6"],
    [{ thresholdBytes: -1 }, "gzip: thresholdBytes is a whole number of bytes from 0"],
    [{ syncBytes: Number.NaN }, "gzip: syncBytes is a whole number of bytes from 0"],
    [{ breachPaddingBytes: 65_536 }, "gzip: breachPaddingBytes is a whole number of bytes from 0 to 65535, not 65536"],
    [{ compressible: true }, "gzip: compressible is a function, not boolean"],
    [{ skip: "/events" }, "gzip: skip is a function, not string"],
    [{ random: 4 }, "gzip: random is a function, not number"],
  ])("refuses %j while wrapping", (options, message) => {
    expect(() => gzip(options as GzipOptions)).toThrow(message);
  });

  it("leaves zstd out where there is none", () => {
    expect(() => gzip({ codings: ["zstd"], levels: { zstd: 3 } })).not.toThrow();
  });
});
