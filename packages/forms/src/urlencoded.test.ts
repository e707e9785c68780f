import { describe, expect, it } from "vitest";
import { FormFields, parseUrlencoded, readForm } from "./index.ts";
import { posted, refusal } from "./test-body.ts";

const type = "application/x-www-form-urlencoded";
const read = (text: string | Uint8Array, limits = {}, every = 65_536) => readForm(posted(type, text, every), limits);

describe("readForm of an urlencoded body", () => {
  it.each([1, 3, 1000])("gives the fields in order, in chunks of %i bytes", async (every) => {
    const form = await read("a=1&b=%C3%A4+%F0%9F%91%8B&a=2&&c&=empty&d=e=f&%2B=%26", {}, every);
    expect([...form]).toEqual([
      ["a", "1"],
      ["b", "ä 👋"],
      ["a", "2"],
      ["c", ""],
      ["", "empty"],
      ["d", "e=f"],
      ["+", "&"],
    ]);
    expect([form.get("a"), form.getAll("a"), form.size]).toEqual(["1", ["1", "2"], 7]);
    expect([...form.names()]).toEqual(["a", "b", "c", "", "d", "+"]);
  });

  it("says what is not there", async () => {
    const form = await read("");
    expect([form.size, form.get("a"), form.getAll("a"), form.has("a")]).toEqual([0, undefined, [], false]);
  });

  it("knows no special name", async () => {
    const form = await read("__proto__=1&constructor=2&toString=3&__proto__[a]=4&a[__proto__][b]=5&hasOwnProperty=6&length=7");
    expect(form.get("__proto__")).toBe("1");
    expect(form.get("constructor")).toBe("2");
    expect(form.get("valueOf")).toBeUndefined();
    expect(form.get("a[__proto__][b]")).toBe("5");
    expect(({} as { a?: unknown; b?: unknown }).a).toBeUndefined();
    expect(Object.fromEntries(form)).toHaveProperty(["hasOwnProperty"], "6");
  });

  it("takes raw UTF-8, and refuses what is none", async () => {
    expect((await read("a=ä")).get("a")).toBe("ä");
    expect((await read("\ufeffa=1")).get("a")).toBe("1");
    expect(await refusal(read(Uint8Array.of(0x61, 0x3d, 0xff)))).toEqual([400, "The request body is not valid utf-8."]);
  });

  it.each(["a=%", "a=%z0", "a=%C3", "%FF=1", "a=%ED%A0%80", "a=%C0%80", "a=1&b=%2"])("refuses %s", async (text) => {
    expect(await refusal(read(text))).toEqual([400, "A field of the form is not well encoded: percent-encode UTF-8."]);
  });

  it("takes the names of UTF-8 for a charset, and no other", async () => {
    for (const charset of ["utf-8", "UTF8", '"utf-8"']) {
      expect((await readForm(posted(`${type}; charset=${charset}`, "a=1"))).get("a")).toBe("1");
    }
    for (const charset of ["iso-8859-1", "utf-16le", "shift_jis", "nonsense"]) {
      expect((await refusal(readForm(posted(`${type}; charset=${charset}`, "a=1"))))[0]).toBe(415);
    }
  });

  it.each([undefined, "text/plain", "application/json", "multipart/mixed; boundary=b", "application/x-www-form-urlencoded2"])(
    "refuses the type %s",
    async (other) => {
      expect((await refusal(readForm(posted(other, "a=1"))))[0]).toBe(415);
    },
  );

  it.each([
    [{ fields: 3 }, "a=1&b=2&c=3", "&d=4", "The form has more than the 3 fields that are allowed."],
    [{ nameBytes: 4 }, "ää=1", "&äää=1", "The name of a field has more than the 4 bytes that are allowed."],
    [
      { valueBytes: 4 },
      "a=ää&b=%C3%A4%C3%A4",
      "&c=%C3%A4%C3%A4%41",
      "A field of the form has more than the 4 bytes that are allowed.",
    ],
    [{ fieldsBytes: 4 }, "a=1&b=2", "&c", "The fields of the form have more than the 4 bytes that are allowed."],
    [{ bytes: 7 }, "a=1&b=2", "&", "The request body has more than the 7 bytes that are allowed."],
  ])("keeps %j, to the last one", async (limits, good, more, message) => {
    expect((await read(good, limits)).size).toBeGreaterThan(0);
    expect(await refusal(read(good + more, limits))).toEqual([413, message]);
  });

  it("takes a thousand fields, not one more", async () => {
    expect((await read("a=1&".repeat(1000))).getAll("a")).toHaveLength(1000);
    expect((await refusal(read("a=1&".repeat(1001))))[0]).toBe(413);
  });

  it("takes as long for many equal names as for many different ones", async () => {
    const many = 200_000;
    const limits = { fields: Infinity, bytes: Infinity, fieldsBytes: Infinity };
    // A quadratic reader would not be done within the time of a test.
    expect((await read("__proto__=&".repeat(many), limits)).size).toBe(many);
    expect((await read(Array.from({ length: many }, (_, i) => `${i}=`).join("&"), limits)).size).toBe(many);
    expect((await read("&".repeat(1_000_000), limits)).size).toBe(0);
    expect((await read(`${"=".repeat(500_000)}&${"+".repeat(400_000)}`, { ...limits, nameBytes: Infinity })).size).toBe(2);
  });

  it.each([{ fields: -1 }, { bytes: 1.5 }, { files: NaN }, { valueBytes: "1" }])(
    "refuses a limit that is none: %j",
    async (limits) => {
      await expect(read("a=1", limits)).rejects.toThrow(RangeError);
    },
  );

  it("refuses a limit that there is not, and takes onFile for none", async () => {
    await expect(read("a=1", { maxBytes: 5 })).rejects.toThrow("readForm: there is no limit maxBytes: there are bytes");
    expect((await read("a=1", { onFile() {} })).get("a")).toBe("1");
  });
});

describe("parseUrlencoded", () => {
  it("reads a query", () => {
    const query = parseUrlencoded("page=2&tag=a&tag=b%20c");
    expect(query.get("page")).toBe("2");
    expect(query.getAll("tag")).toEqual(["a", "b c"]);
    expect(() => parseUrlencoded("a=%")).toThrow("not well encoded");
    expect(() => parseUrlencoded("a=1&b=2", { fields: 1 })).toThrow("1 fields");
    expect(() => parseUrlencoded("a", { fields: -1 })).toThrow(RangeError);
  });
});

describe("FormFields", () => {
  it("can be written to", () => {
    const fields = new FormFields();
    fields.append("a", "1");
    fields.append("a", "2");
    expect([...fields]).toEqual([
      ["a", "1"],
      ["a", "2"],
    ]);
    expect(fields.has("a")).toBe(true);
  });
});
