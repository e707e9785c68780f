import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { client, encodeMultipart } from "@gateway/testing";
import { validator } from "@gateway/validate";
import { isHTTPError, type Application, type Environ } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { FormFields, multipart, readForm, type FormLimits, type Part } from "./index.ts";
import { head, multipartBody, multipartType, posted, refusal, rejection } from "./test-body.ts";
import { runSnippet } from "./test-readme.ts";

interface Seen {
  readonly name: string;
  readonly filename: string | undefined;
  readonly type: string;
  readonly text: string;
}

/** All parts, each read whole. */
async function all(environ: Environ, limits: FormLimits = {}): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const part of multipart(environ, limits)) {
    const { name, filename, type } = part;
    seen.push({ name, filename, type, text: await part.text() });
  }
  return seen;
}

const everySplit = [1, 2, 3, 5, 7, 64, 65_536];

describe("multipart", () => {
  it.each(everySplit)("gives the parts in order, in chunks of %i bytes", async (every) => {
    const { type, bytes } = encodeMultipart({
      title: "Ein Gruß 👋",
      file: { filename: "naïve.txt", content: "line\r\n--b\r\n\r\n--", type: "text/plain" },
      title2: ["a", ""],
      empty: { filename: "", content: "" },
      ["__proto__"]: "not special",
    });
    expect(await all(posted(type, bytes, every))).toEqual([
      { name: "title", filename: undefined, type: "text/plain", text: "Ein Gruß 👋" },
      { name: "file", filename: "naïve.txt", type: "text/plain", text: "line\r\n--b\r\n\r\n--" },
      { name: "title2", filename: undefined, type: "text/plain", text: "a" },
      { name: "title2", filename: undefined, type: "text/plain", text: "" },
      { name: "empty", filename: "", type: "application/octet-stream", text: "" },
      { name: "__proto__", filename: undefined, type: "text/plain", text: "not special" },
    ]);
  });

  it.each(everySplit)("knows preamble, epilogue and headers in any case, in chunks of %i bytes", async (every) => {
    const body = `preamble\r\n${multipartBody([["content-DISPOSITION: form-data; name=a\r\nX-More: 1\r\nx-more: 2\r\nContent-Type: Text/CSV; charset=utf-8", "x"]])}epilogue\r\n--b\r\n`;
    const seen: unknown[] = [];
    for await (const part of multipart(posted(multipartType, body, every))) {
      seen.push([part.name, part.type, part.headers.get("x-more"), await part.text()]);
    }
    expect(seen).toEqual([["a", "text/csv", "1, 2", "x"]]);
  });

  it("is read as the README does it", async () => {
    const body = multipartBody([
      [head("a"), "1"],
      [head("f", '; filename="x"'), "file"],
    ]);
    const environ = posted(multipartType, body, 7);
    const fields = new FormFields();
    const hash = createHash("sha256");
    await runSnippet(new URL("../README.md", import.meta.url), "for await (const part of multipart", {
      multipart,
      environ,
      fields,
      hash,
    });
    expect([...fields]).toEqual([["a", "1"]]);
    expect(hash.digest("hex")).toBe(createHash("sha256").update("file").digest("hex"));
  });

  it("gives nothing for a body that is only its end", async () => {
    expect(await all(posted(multipartType, "--b--\r\n"))).toEqual([]);
  });

  it("streams: a file is read from the client as it is read from the part", async () => {
    let pulled = 0;
    const environ = posted(multipartType, "");
    const piece = new Uint8Array(65_536);
    const chunks = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`--b\r\n${head("file", '; filename="a"')}\r\n\r\n`);
      for (; pulled < 1000; pulled++) yield piece;
      yield Buffer.from("\r\n--b--\r\n");
    })();
    environ["wsgi.input"] = { ...environ["wsgi.input"], [Symbol.asyncIterator]: () => chunks };
    const parts = multipart(environ, { fileBytes: Infinity, bytes: Infinity })[Symbol.asyncIterator]();
    const { value: part } = (await parts.next()) as IteratorYieldResult<Part>;
    await setImmediate();
    expect(pulled).toBe(0);
    let read = 0;
    for await (const chunk of part) {
      read += chunk.byteLength;
      await setImmediate();
      // What a part gives trails what was read by no more than one piece.
      expect(pulled * piece.byteLength - read).toBeLessThanOrEqual(piece.byteLength);
    }
    expect(read).toBe(1000 * piece.byteLength);
    expect(await parts.next()).toEqual({ done: true, value: undefined });
  });

  it("ends a part when its boundary has come, not when the next one has", async () => {
    const environ = posted(multipartType, "");
    const chunks = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`--b\r\n${head("a")}\r\n\r\nvalue\r\n--b\r\n`);
      await new Promise(() => {});
    })();
    environ["wsgi.input"] = { ...environ["wsgi.input"], [Symbol.asyncIterator]: () => chunks };
    const { value: part } = (await multipart(environ)[Symbol.asyncIterator]().next()) as IteratorYieldResult<Part>;
    expect(await part.text()).toBe("value");
  });

  it.each(everySplit)("lets pass by what is not read, in chunks of %i bytes", async (every) => {
    const body = multipartBody([
      [head("a", '; filename="x"'), "x".repeat(1000)],
      [head("b"), "wanted"],
      [head("c"), "not wanted"],
    ]);
    const seen: string[] = [];
    const passed: Part[] = [];
    for await (const part of multipart(posted(multipartType, body, every))) {
      if (part.name === "b") seen.push(await part.text());
      else passed.push(part);
    }
    expect(seen).toEqual(["wanted"]);
    await expect(passed[0]?.bytes()).rejects.toThrow("this one has passed");
  });

  it("stops when the loop is left: nothing more is read, and the part rejects", async () => {
    const body = multipartBody([[head("a", '; filename="x"'), "x".repeat(200_000)]]);
    let pulled = 0;
    const environ = posted(multipartType, "");
    const chunks = (async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < body.length; at += 1000, pulled++) yield Buffer.from(body.slice(at, at + 1000));
    })();
    environ["wsgi.input"] = { ...environ["wsgi.input"], [Symbol.asyncIterator]: () => chunks };
    const parts: Part[] = [];
    for await (const part of multipart(environ)) {
      parts.push(part);
      break;
    }
    await setImmediate();
    expect(pulled).toBeLessThan(3);
    await expect(parts[0]?.bytes()).rejects.toThrow("the iteration was left");
  });

  it("is left also while a chunk is waited for", async () => {
    let fail: (error: unknown) => void = () => {};
    const environ = posted(multipartType, "");
    const chunks = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`--b\r\n${head("a")}\r\n\r\nval`);
      await new Promise((_resolve, reject) => (fail = reject));
    })();
    environ["wsgi.input"] = { ...environ["wsgi.input"], [Symbol.asyncIterator]: () => chunks };
    const parts = multipart(environ)[Symbol.asyncIterator]();
    const { value: part } = (await parts.next()) as IteratorYieldResult<Part>;
    const text = rejection(part.text());
    await setImmediate();
    await parts.return?.();
    fail(new Error("cut off"));
    expect(await text).toMatchObject({ message: expect.stringContaining("the iteration was left") });
    expect(await parts.next()).toEqual({ done: true, value: undefined });
  });

  it("can be iterated once", async () => {
    const parts = multipart(posted(multipartType, "--b--\r\n"));
    expect(await parts[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
    expect(() => parts[Symbol.asyncIterator]()).toThrow("can be iterated once");
  });

  it("rejects in the part and in the loop with what the input throws", async () => {
    const error = new Error("cut off");
    const environ = posted(multipartType, "");
    const chunks = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`--b\r\n${head("a")}\r\n\r\nval`);
      throw error;
    })();
    environ["wsgi.input"] = { ...environ["wsgi.input"], [Symbol.asyncIterator]: () => chunks };
    const parts = multipart(environ)[Symbol.asyncIterator]();
    const { value: part } = (await parts.next()) as IteratorYieldResult<Part>;
    expect(await rejection(part.bytes())).toBe(error);
    expect(await rejection(parts.next())).toBe(error);
  });

  it.each([
    ["multipart/form-data", 400],
    ["multipart/form-data; boundary=", 400],
    [`multipart/form-data; boundary=${"x".repeat(71)}`, 400],
    ['multipart/form-data; boundary="a\x80"', 400],
    ['multipart/form-data; boundary="a "', 400],
    ["multipart/mixed; boundary=b", 415],
    [undefined, 415],
  ])("refuses the type %s", async (type, status) => {
    expect((await refusal(all(posted(type, multipartBody([[head("a"), "x"]])))))[0]).toBe(status);
  });

  it("takes the charset of a part, and refuses one that is not known", async () => {
    const environ = posted(
      multipartType,
      Buffer.from(multipartBody([[`${head("a")}\r\nContent-Type: text/plain; charset=iso-8859-1`, "\xe4"]]), "latin1"),
    );
    expect((await all(environ))[0]?.text).toBe("ä");
    const unknown = multipartBody([[`${head("a")}\r\nContent-Type: text/plain; charset=x-unknown`, "x"]]);
    expect((await refusal(all(posted(multipartType, unknown))))[0]).toBe(415);
    const wrong = Buffer.from(multipartBody([[head("a"), "\xe4"]]), "latin1");
    expect(await refusal(all(posted(multipartType, wrong)))).toEqual([400, "The request body is not valid utf-8."]);
  });

  const good = multipartBody([[head("first"), "1"]]).slice(0, -"--b--\r\n".length);
  it.each<[string, string, string | RegExp]>([
    ["is empty", "", "ends before"],
    ["has no boundary", "a=1&b=2", "ends before"],
    ["has another boundary", multipartBody([[head("a"), "x"]], "other"), "ends before"],
    ["lacks its end", `${good}--b\r\n${head("a")}\r\n\r\nx\r\n`, "ends before"],
    ["is cut in a header", `${good}--b\r\nContent-Dispo`, "ends before"],
    ["is cut in a boundary", `${good}--b\r\n${head("a")}\r\n\r\nx\r\n--`, "ends before"],
    ["has a part without headers", `${good}--b\r\n\r\nx\r\n--b--\r\n`, "no Content-Disposition"],
    ["has a part without an empty line", `${good}--b\r\n${head("a")}\r\n--b--\r\n`, "no Content-Disposition"],
    ["has such a part before another", `--b\r\n${head("a")}\r\n${good}--b--\r\n`, "no Content-Disposition"],
    ["has two dispositions", `${good}--b\r\n${head("a")}\r\n${head("b")}\r\n\r\nx\r\n--b--\r\n`, "more than one"],
    ["has a part without a name", `${good}--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n`, "no name"],
    ["has a part of another kind", `${good}--b\r\nContent-Disposition: file; name=a\r\n\r\nx\r\n--b--\r\n`, "no form-data"],
    ["has a header that is none", `${good}--b\r\nnonsense\r\n${head("a")}\r\n\r\nx\r\n--b--\r\n`, "no Content-Disposition"],
    ["has base64", `${good}--b\r\n${head("a")}\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--\r\n`, "transfer encoding"],
  ])("refuses a body that %s, at any split, after the parts before it", async (_name, body, why) => {
    for (const every of everySplit) {
      const [status, message] = await refusal(all(posted(multipartType, body, every)));
      expect([status, message], `chunks of ${every}`).toEqual([
        message.includes("transfer") ? 415 : 400,
        expect.stringContaining(String(why)),
      ]);
      if (!body.startsWith(good)) continue;
      const parts = multipart(posted(multipartType, body, every))[Symbol.asyncIterator]();
      const { value } = (await parts.next()) as IteratorYieldResult<Part>;
      expect([value.name, await value.text()]).toEqual(["first", "1"]);
      expect(isHTTPError(await rejection(parts.next().then((step) => (step.value as Part).bytes())))).toBe(true);
    }
  });

  const file = (name: string, content: string): readonly [string, string] => [head(name, '; filename="f"'), content];
  it.each<[FormLimits, readonly (readonly [string, string])[], readonly [string, string], string]>([
    [{ parts: 2 }, [[head("a"), ""], file("b", "")], [head("c"), ""], "more than the 2 parts"],
    [{ fields: 2 }, [[head("a"), ""], file("x", ""), [head("b"), ""]], [head("c"), ""], "more than the 2 fields"],
    [{ files: 2 }, [file("a", ""), [head("x"), ""], file("b", "")], file("c", ""), "more than the 2 files"],
    [{ files: 0 }, [[head("a", '; filename=""'), ""]], [head("a", '; filename=""'), "x"], "no files"],
    [{ nameBytes: 2 }, [[head("ä"), ""]], [head("äb"), ""], "name of a field has more than the 2 bytes"],
    [{ nameBytes: 2 }, [file("ä", "")], file("äb", ""), "name of a field has more than the 2 bytes"],
    [{ valueBytes: 3 }, [[head("a"), "123"]], [head("b"), "1234"], "A field of the form has more than the 3 bytes"],
    [
      { fieldsBytes: 6 },
      [[head("a"), "12"], file("f", "123456789"), [head("b"), "12"]],
      [head("c"), ""],
      "The fields of the form have more than the 6 bytes",
    ],
    [{ fileBytes: 3 }, [file("a", "123"), [head("x"), "12345"]], file("b", "1234"), "A file has more than the 3 bytes"],
    [
      { headerBytes: 100 },
      [[`${head("a")}\r\nX: ${"x".repeat(40)}`, ""]],
      [`${head("b")}\r\nX: ${"x".repeat(60)}`, ""],
      "headers of a part have more than the 100 bytes",
    ],
  ])("keeps %j, to the last one, at any split", async (limits, inside, beyond, message) => {
    for (const every of everySplit) {
      expect(await all(posted(multipartType, multipartBody(inside), every), limits)).toHaveLength(inside.length);
      const [status, text] = await refusal(all(posted(multipartType, multipartBody([...inside, beyond]), every), limits));
      expect([status, text], `chunks of ${every}`).toEqual([413, expect.stringContaining(message)]);
      // What is too much in a part that passes by is too much all the same.
      const names: string[] = [];
      const passing = async (): Promise<void> => {
        const body = multipartBody([...inside, beyond, file("z", "")]);
        for await (const part of multipart(posted(multipartType, body, every), limits)) names.push(part.name);
      };
      expect((await refusal(passing()))[0]).toBe(413);
      expect(names).not.toContain("z");
    }
  });

  it("keeps the limit of the whole body, epilogue included, known before or not", async () => {
    const body = multipartBody([[head("a"), "x"]]);
    for (const every of everySplit) {
      expect(await all(posted(multipartType, body, every), { bytes: body.length })).toHaveLength(1);
      expect((await refusal(all(posted(multipartType, `${body}x`, every), { bytes: body.length })))[0]).toBe(413);
    }
    const known = posted(multipartType, body, 100, [["Content-Length", "1000"]]);
    expect((await refusal(all(known, { bytes: 999 })))[0]).toBe(413);
  });

  it("refuses headers without end, also where the name stands behind them", async () => {
    const endless = `--b\r\nX: ${"x".repeat(1_000_000)}\r\n${head("a")}\r\n\r\nx\r\n--b--\r\n`;
    expect((await refusal(all(posted(multipartType, endless))))[0]).toBe(413);
    const long = `--b\r\n${head("a".repeat(20_000))}\r\n\r\nx\r\n--b--\r\n`;
    expect((await refusal(all(posted(multipartType, long))))[0]).toBe(413);
    const many = `--b\r\n${"X: 1\r\n".repeat(10_000)}${head("a")}\r\n\r\nx\r\n--b--\r\n`;
    expect((await refusal(all(posted(multipartType, many))))[0]).toBe(413);
  });

  it("takes no longer for what looks like a boundary again and again", async () => {
    const lines = "\r\n--".repeat(500_000);
    const body = multipartBody([[head("a", '; filename="f"'), lines]], "-".repeat(70));
    let bytes = 0;
    for await (const part of multipart(posted(`multipart/form-data; boundary=${"-".repeat(70)}`, body))) {
      for await (const chunk of part) bytes += chunk.byteLength;
    }
    expect(bytes).toBe(lines.length);
  });

  it("refuses a limit that is none at once", () => {
    expect(() => multipart(posted(multipartType, ""), { parts: -1 })).toThrow(RangeError);
    expect(() => multipart(posted(multipartType, ""), { onFile() {} } as object)).toThrow(
      "multipart: there is no limit onFile: there are bytes",
    );
  });

  it("drops folders from file names", async () => {
    const names = ["/etc/passwd", "..\\\\..\\\\boot.ini", "a\\b.txt", ".."];
    const body = multipartBody(names.map((name) => [head("f", `; filename="${name}"`), "x"]));
    expect((await all(posted(multipartType, body))).map(({ filename }) => filename)).toEqual(["passwd", "boot.ini", "b.txt", ""]);
  });
});

describe("readForm of a multipart body", () => {
  const body = multipartBody([
    [head("a"), "1"],
    [head("b"), "ä"],
    [head("a"), "2"],
    [head("upload", '; filename=""\r\nContent-Type: application/octet-stream'), ""],
  ]);

  it.each(everySplit)(
    "gives the fields, and leaves out what a browser sends for an empty file input, in chunks of %i bytes",
    async (every) => {
      const form = await readForm(posted(multipartType, body, every));
      expect([...form]).toEqual([
        ["a", "1"],
        ["b", "ä"],
        ["a", "2"],
      ]);
    },
  );

  it("refuses files without onFile", async () => {
    const withFile = multipartBody([[head("f", '; filename="a.txt"'), "x"]]);
    expect(await refusal(readForm(posted(multipartType, withFile)))).toEqual([413, "The form takes no files."]);
    const nameless = multipartBody([[head("f", '; filename=""'), "x"]]);
    expect((await refusal(readForm(posted(multipartType, nameless))))[0]).toBe(413);
  });

  it.each(everySplit)(
    "gives files to onFile as they arrive, and lets pass what that does not read, in chunks of %i bytes",
    async (every) => {
      const withFiles = multipartBody([
        [head("f", '; filename="a.txt"'), "first"],
        [head("a"), "1"],
        [head("f", '; filename=""'), "nameless"],
        [head("f", '; filename="b.txt"'), "passes"],
        [head("f", '; filename=""'), ""],
      ]);
      const files: unknown[] = [];
      const form = await readForm(posted(multipartType, withFiles, every), {
        onFile: async (part) => files.push([part.filename, part.filename === "b.txt" ? "" : await part.text()]),
      });
      expect(files).toEqual([
        ["a.txt", "first"],
        ["", "nameless"],
        ["b.txt", ""],
      ]);
      expect([...form]).toEqual([["a", "1"]]);
    },
  );

  it("drops no file in silence where onFile is none", async () => {
    const body = multipartBody([[head("f", '; filename="x"'), "file"]]);
    for (const onFile of [null, 1, "save"]) {
      await expect(readForm(posted(multipartType, body), { onFile: onFile as never })).rejects.toThrow(
        "readForm: onFile is a function",
      );
    }
  });

  it("rejects with what onFile throws", async () => {
    const error = new Error("no room");
    const withFile = multipartBody([[head("f", '; filename="a.txt"'), "x"]]);
    const read = readForm(posted(multipartType, withFile), {
      onFile: () => {
        throw error;
      },
    });
    expect(await rejection(read)).toBe(error);
  });

  it("answers by itself, in an application between validators", async () => {
    const app: Application = async (environ, startResponse) => {
      const form = await readForm(environ, { fields: 2 });
      startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
      return [Buffer.from([...form].map((pair) => pair.join("=")).join("&"))];
    };
    const http = client(validator(app));
    expect((await http.post("/", { multipart: { a: "1", b: "2" } })).text()).toBe("a=1&b=2");
    expect((await http.post("/", { form: { a: "1", b: "2" }, chunked: true })).text()).toBe("a=1&b=2");
    const over = await http.post("/", { multipart: { a: ["1", "2", "3"] } });
    expect([over.status, over.text()]).toEqual([413, "The form has more than the 2 fields that are allowed.\n"]);
    expect((await http.post("/", { json: {} })).status).toBe(415);
    expect((await http.post("/", { body: "x", headers: { "Content-Type": multipartType } })).status).toBe(400);
    expect((await http.post("/", { multipart: { a: "x".repeat(1000) }, bodyCutAfter: 500 })).status).toBe(400);
    expect((await http.post("/", { form: { a: "x".repeat(1000) }, bodyCutAfter: 500 })).status).toBe(400);
  });
});
