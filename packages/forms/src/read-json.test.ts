import { describe, expect, it } from "vitest";
import { readJson } from "./index.ts";
import { posted, refusal } from "./test-body.ts";

const json = (text: string | Uint8Array, type = "application/json") => posted(type, text);

describe("readJson", () => {
  it.each([1, 2, 1000])("gives the value, in chunks of %i bytes", async (every) => {
    const text = '{"name":"Ädä","list":[1,2,{"deep":null}],"text":"[[[{{\\"}"}';
    expect(await readJson(posted("application/json; charset=utf-8", text, every))).toEqual(JSON.parse(text));
  });

  it.each(["application/problem+json", "APPLICATION/JSON", "application/vnd.api+json; a=b"])("takes %s", async (type) => {
    expect(await readJson(json("[1]", type))).toEqual([1]);
  });

  it.each([
    undefined,
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/jsonp",
    "application/json, text/plain",
    "/json",
    "+json",
    "json",
  ])("refuses %s with what it takes", async (type) => {
    await expect(readJson(posted(type, "[1]"))).rejects.toMatchObject({
      status: "415 Unsupported Media Type",
      message: "The request body must have a Content-Type of application/json or */*+json.",
      headers: [["Accept", "application/json, */*+json"]],
    });
  });

  it("takes other types where it is told", async () => {
    expect(await readJson(json("[1]", "text/plain;charset=UTF-8"), { types: ["text/plain"] })).toEqual([1]);
  });

  it.each(["", "{", "{'a':1}", "[1,]", "nul", "01", '"\\x"', "[1] 2", "\u0000"])("refuses %j with a reason", async (text) => {
    const [status, message] = await refusal(readJson(json(text)));
    expect(status).toBe(400);
    expect(message).toMatch(/^The request body is not valid JSON( \(at position \d+\))?\.$/);
  });

  it("refuses what is no UTF-8, and drops a byte order mark", async () => {
    expect(await refusal(readJson(json(Uint8Array.of(0x22, 0xff, 0x22))))).toEqual([400, "The request body is not valid utf-8."]);
    expect(await readJson(json(Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from("[1]")])))).toEqual([1]);
  });

  it("takes the charset that is given, and refuses one that is not known", async () => {
    expect(await readJson(json(Buffer.from('["ä"]', "utf16le"), "application/json; charset=utf-16le"))).toEqual(["ä"]);
    expect(await readJson(json(Buffer.from('["ä"]', "latin1"), 'application/json; charset="ISO-8859-1"'))).toEqual(["ä"]);
    for (const charset of ["x-unknown", "utf-7", "", "__proto__"]) {
      expect((await refusal(readJson(json("[1]", `application/json; charset=${charset}`))))[0]).toBe(415);
    }
  });

  it("refuses a content coding", async () => {
    const environ = posted("application/json", "[1]", 100, [["Content-Encoding", "gzip"]]);
    await expect(readJson(environ)).rejects.toMatchObject({
      status: "415 Unsupported Media Type",
      headers: [["Accept-Encoding", "identity"]],
    });
    expect(await readJson(posted("application/json", "[1]", 100, [["Content-Encoding", "Identity"]]))).toEqual([1]);
  });

  it.each([
    '{"__proto__":{"a":1}}',
    '[[{"a":{"\\u005f_proto__":1}}]]',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"a":1,"__proto__":1,"b":2}',
  ])("refuses a key that names a prototype: %s", async (text) => {
    expect(await refusal(readJson(json(text)))).toEqual([400, "The JSON has a key that is not allowed: it names a prototype."]);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  it.each([
    '{"constructor":"x"}',
    '["__proto__"]',
    '{"a":"\\u005f"}',
    '{"constructor":{"a":1}}',
    '"__proto__"',
    "null",
    '{"proto":1}',
  ])("takes what only looks like it: %s", async (text) => {
    expect(await readJson(json(text))).toEqual(JSON.parse(text));
  });

  it("limits the nesting, however deep, and not what stands in strings", async () => {
    expect(await readJson(json(`${"[".repeat(64)}${"]".repeat(64)}`))).toBeDefined();
    expect(await refusal(readJson(json(`${"[".repeat(65)}${"]".repeat(65)}`)))).toEqual([
      413,
      "The JSON is nested deeper than the 64 levels that are allowed.",
    ]);
    expect((await refusal(readJson(json("[".repeat(1_000_000)))))[0]).toBe(413);
    expect((await refusal(readJson(json('{"a":'.repeat(100_000)), { nesting: 3 })))[0]).toBe(413);
    const brackets = `"${"[".repeat(1000)}\\\\\\"{{{"`;
    expect(await readJson(json(brackets), { nesting: 0 })).toBe(JSON.parse(brackets));
    const flat = `[${"[],".repeat(1000)}[]]`;
    expect(await readJson(json(flat), { nesting: 2 })).toHaveLength(1001);
  });

  it("takes thousands of equal keys", async () => {
    expect(await readJson(json(`{${'"a":1,'.repeat(100_000)}"a":2}`))).toEqual({ a: 2 });
  });

  it("limits the bytes, known before or not, to the byte", async () => {
    const text = `"${"x".repeat(98)}"`;
    expect(await readJson(json(text), { bytes: 100 })).toHaveLength(98);
    expect(await refusal(readJson(json(text), { bytes: 99 }))).toEqual([
      413,
      "The request body has more than the 99 bytes that are allowed.",
    ]);
    const known = posted("application/json", text, 1, [["Content-Length", "100"]]);
    expect((await refusal(readJson(known, { bytes: 99 })))[0]).toBe(413);
    expect(await readJson(json(text), { bytes: Infinity })).toHaveLength(98);
    expect((await refusal(readJson(json(" ".repeat(1024 * 1024 + 1)))))[0]).toBe(413);
  });

  it.each([{ bytes: -1 }, { bytes: 0.5 }, { bytes: NaN }, { nesting: -1 }])("refuses a limit that is none: %j", async (limits) => {
    await expect(readJson(json("1"), limits)).rejects.toThrow(RangeError);
  });

  it("refuses a limit that there is not", async () => {
    const limits = { maxBytes: 5 } as object;
    await expect(readJson(json("1"), limits)).rejects.toThrow(
      "readJson: there is no limit maxBytes: there are bytes, nesting, types",
    );
  });
});
