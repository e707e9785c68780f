import { describe, expect, it } from "vitest";
import { parseDisposition } from "./content-disposition.ts";

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

describe("parseDisposition", () => {
  it.each([
    ['form-data; name="a"', { name: "a", filename: undefined }],
    ["form-data; name=a", { name: "a", filename: undefined }],
    ['FORM-DATA ;\tNAME = "a" ; FileName="b.txt";', { name: "a", filename: "b.txt" }],
    ['form-data; name=""; filename=""', { name: "", filename: "" }],
    ['form-data; name="a;b=\\"c\\""', { name: 'a;b="c"', filename: undefined }],
    [latin1('form-data; name="ä"; filename="naïve.txt"'), { name: "ä", filename: "naïve.txt" }],
    ['form-data; name="__proto__"', { name: "__proto__", filename: undefined }],
    ["form-data; name=a; filename=\"plain.txt\"; filename*=UTF-8''na%C3%AFve.txt", { name: "a", filename: "naïve.txt" }],
    ["form-data; name=a; filename*=iso-8859-1'en'na%EFve.txt; filename=plain.txt", { name: "a", filename: "naïve.txt" }],
    ['form-data; name="a"; filename="C:\\dir\\file.txt"', { name: "a", filename: "file.txt" }],
    ['form-data; name="a"; filename="C:\\dir\\"', { name: "a", filename: "" }],
    ['form-data; name=a; filename="%22.txt"', { name: "a", filename: "%22.txt" }],
    ["form-data; name=a; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", { name: "a", filename: "passwd" }],
    ['form-data; name=a; filename="\xff.txt"', { name: "a", filename: "\ufffd.txt" }],
  ])("reads %j", (value, expected) => {
    expect(parseDisposition(value)).toEqual(expected);
  });

  it.each([
    ["form-data", "no name"],
    ["form-data; filename=b", "no name"],
    ["attachment; name=a", "no form-data"],
    ["", "no form-data"],
    ['form-data; name="a', "cannot be read"],
    ['form-data; name="a"b', "cannot be read"],
    ["form-data; name", "cannot be read"],
    ["form-data; =a", "cannot be read"],
    ["form-data; na me=a", "cannot be read"],
    ["form-data; name=a; name=b", "cannot be read"],
    ['form-data; name=a; filename=b; filename="c"', "cannot be read"],
    ["form-data; name=a; filename*=b", "cannot be read"],
    ["form-data; name=a; filename*=UTF-8''%ff", "cannot be read"],
    ["form-data; name=a; filename*=UTF-8''%", "cannot be read"],
    ["form-data; name=a; filename*=utf-7''x", "cannot be read"],
    ["form-data; name=\xff", "not valid UTF-8"],
    ["form-data; name\x00=a", "cannot be read"],
  ])("refuses %j", (value, why) => {
    expect(() => parseDisposition(value)).toThrow(why);
  });

  it("is done in one pass, however long the value", () => {
    for (const unit of ["; a=", ';a="\\', "\\\\", " ", '\\"', ";", '"'] as const) {
      const long = unit.repeat(100_000);
      for (const value of [`form-data; name="${long}`, `form-data${long}`, `form-data; name=a; filename*=UTF-8''${long}`]) {
        expect(() => {
          try {
            parseDisposition(value);
          } catch (error) {
            if (!(error instanceof Error) || error.name !== "HTTPError") throw error;
          }
        }).not.toThrow();
      }
    }
  });
});
