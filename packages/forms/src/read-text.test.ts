import { describe, expect, it } from "vitest";
import { readForm, readJson, readText, multipart } from "./index.ts";
import { multipartType, posted, refusal } from "./test-body.ts";

describe("readText", () => {
  it.each([1, 100])("gives the text, in chunks of %i bytes", async (every) => {
    expect(await readText(posted("text/plain", "\ufeffgrüße 👋", every))).toBe("grüße 👋");
  });

  it("takes text of any kind, and others where it is told", async () => {
    expect(await readText(posted("text/csv; header=present", "a,b"))).toBe("a,b");
    expect(await readText(posted("application/xml", "<a/>"), { types: ["application/xml"] })).toBe("<a/>");
    expect(await readText(posted("image/svg+xml", "<a/>"), { types: ["image/*+xml"] })).toBe("<a/>");
    expect(await readText(posted("a/b", "x"), { types: ["*/*"] })).toBe("x");
    for (const type of ["application/xml", "text", "text/", "/plain", ""]) {
      expect((await refusal(readText(posted(type, "x"))))[0], type).toBe(415);
    }
  });

  it.each([null, "text/plain", [], ["text"], ["Text/Plain"], ["text/plain; charset=utf-8"], ["text/plain, text/html"], [1]])(
    "refuses types that nothing could match: %j",
    async (types) => {
      const text = readText(posted("text/plain", "x"), { types: types as readonly string[] });
      await expect(text).rejects.toThrow("readText: types is a list of media types in small letters");
    },
  );

  it("takes an option that is undefined for one that is not given", async () => {
    expect(await readText(posted("text/plain", "x"), { bytes: undefined, nesting: undefined, types: undefined })).toBe("x");
    expect(await readJson(posted("application/json", "1"), { bytes: undefined, nesting: undefined, types: undefined })).toBe(1);
    const limits = { bytes: undefined, fields: undefined, files: undefined, valueBytes: undefined, onFile: undefined };
    const form = await readForm(posted("application/x-www-form-urlencoded", "a=1"), limits);
    expect(form.get("a")).toBe("1");
  });

  it("is empty where there is nothing", async () => {
    expect(await readText(posted("text/plain", ""))).toBe("");
  });

  it("gives the same promise when it is called again, also to who wraps the input", async () => {
    const environ = posted("text/plain", "once");
    const first = readText(environ);
    expect(readText(environ)).toBe(first);
    const copy = { ...environ };
    copy["wsgi.input"] = posted("text/plain", "other")["wsgi.input"];
    expect(await readText(copy)).toBe("once");
  });

  it("gives the same error when it is called again", async () => {
    const environ = posted("image/png", "x");
    const errors = [
      await readText(environ).catch((error: unknown) => error),
      await readText(environ).catch((error: unknown) => error),
    ];
    expect(errors[0]).toBeInstanceOf(Error);
    expect(errors[1]).toBe(errors[0]);
  });

  it("refuses to read what another function has read, and says which", async () => {
    const environ = posted("text/plain", "once");
    await readText(environ);
    await expect(readJson(environ)).rejects.toThrow("readJson: the request body was read already, by readText");
    await expect(readForm(environ)).rejects.toThrow("by readText");
    expect(() => multipart(environ)).toThrow("multipart: the request body was read already, by readText");
    const parts = posted(multipartType, "");
    multipart(parts);
    expect(() => multipart(parts)).toThrow("by multipart");
    await expect(readForm(parts)).rejects.toThrow("by multipart");
  });

  it("hands on what the input throws", async () => {
    const environ = posted("text/plain", "x");
    environ["wsgi.input"] = posted("text/plain", "x")["wsgi.input"];
    const error = new Error("cut short");
    environ["wsgi.input"].read = () => Promise.reject(error);
    await expect(readText(environ)).rejects.toBe(error);
  });
});
