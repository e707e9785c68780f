import { isHTTPError, type Application } from "@gateway/core";
import { describe, expect, it } from "vitest";
import { client, type RequestInit } from "./index.ts";
import { bytes, plain, textOf } from "./conformance/apps.ts";

/** Answers with the body as it came, chunk by chunk. */
const seen: Application = async (environ, startResponse) => {
  const chunks: string[] = [];
  let failed: string | undefined;
  try {
    for await (const chunk of environ["wsgi.input"]) chunks.push(textOf(chunk));
  } catch (error) {
    failed = isHTTPError(error) ? error.status : "another error";
  }
  startResponse("200 OK", plain());
  const { CONTENT_TYPE = null, CONTENT_LENGTH = null, HTTP_TRANSFER_ENCODING = null } = environ;
  return [bytes(JSON.stringify({ chunks, type: CONTENT_TYPE, length: CONTENT_LENGTH, coding: HTTP_TRANSFER_ENCODING, failed }))];
};

async function post(init: RequestInit): Promise<unknown> {
  return (await client(seen).post("/", init)).json();
}

async function* slowly(...texts: string[]): AsyncGenerator<string> {
  for (const text of texts) {
    await Promise.resolve();
    yield text;
  }
}

describe("the body of a request", () => {
  it("may be JSON", async () => {
    expect(await post({ json: { a: "é" } })).toMatchObject({ chunks: ['{"a":"é"}'], type: "application/json", length: "10" });
    expect(await post({ json: null })).toMatchObject({ chunks: ["null"] });
  });

  it("may be a form", async () => {
    const type = "application/x-www-form-urlencoded";
    expect(await post({ form: { a: "b c", d: ["1", "2"] } })).toMatchObject({ chunks: ["a=b+c&d=1&d=2"], type });
    expect(await post({ form: new URLSearchParams("x=%26") })).toMatchObject({ chunks: ["x=%26"], type });
  });

  it("may be text or bytes, without a type", async () => {
    expect(await post({ body: "é" })).toMatchObject({ chunks: ["é"], type: null, length: "2", coding: null });
    expect(await post({ body: bytes("abc") })).toMatchObject({ chunks: ["abc"], length: "3" });
    expect(await post({ body: "" })).toMatchObject({ chunks: [], length: "0" });
  });

  it("keeps a type that the request gives", async () => {
    expect(await post({ json: {}, headers: { "content-type": "application/ld+json" } })).toMatchObject({
      type: "application/ld+json",
    });
  });

  it("says that it is empty where one could be", async () => {
    expect(await post({})).toMatchObject({ chunks: [], length: "0" });
    expect((await client(seen).get("/")).json()).toMatchObject({ length: null });
  });

  it("keeps the pieces of an iterable, with their length", async () => {
    expect(await post({ body: ["ab", bytes("c")] })).toMatchObject({ chunks: ["ab", "c"], length: "3" });
  });

  it("sends an async iterable as it comes, chunked", async () => {
    expect(await post({ body: slowly("ab", "", "c") })).toMatchObject({ chunks: ["ab", "c"], length: null, coding: "chunked" });
  });

  it("is chunked on demand", async () => {
    expect(await post({ body: "abc", chunked: true })).toMatchObject({ chunks: ["abc"], length: null, coding: "chunked" });
  });

  it("is split on demand", async () => {
    expect(await post({ body: "abcde", splitEvery: 2 })).toMatchObject({ chunks: ["ab", "cd", "e"], length: "5" });
    expect(await post({ body: slowly("abc", "d"), splitEvery: 2 })).toMatchObject({ chunks: ["ab", "c", "d"] });
  });

  it("is cut off on demand: what is left fails", async () => {
    const failed = "400 Bad Request";
    expect(await post({ body: "abcde", bodyCutAfter: 3 })).toMatchObject({ chunks: ["abc"], length: "5", failed });
    expect(await post({ body: "abcde", bodyCutAfter: 0 })).toMatchObject({ chunks: [], failed });
    expect(await post({ body: slowly("ab", "cd"), bodyCutAfter: 3 })).toMatchObject({ chunks: ["ab", "c"], failed });
  });

  it("is answered 400 where the application lets that pass", async () => {
    const careless: Application = async (environ) => {
      await environ["wsgi.input"].read();
      return [];
    };
    const response = await client(careless).post("/", { body: "abc", bodyCutAfter: 1 });
    expect([response.status, response.errors]).toEqual([400, ""]);
  });

  it.each<[RequestInit, string]>([
    [{ json: 1, body: "x" }, "not both json and body"],
    [{ form: {}, multipart: {} }, "not both form and multipart"],
    [{ json: undefined, chunked: true }, "there is none"],
    [{ splitEvery: 3 }, "there is none"],
    [{ body: "x", splitEvery: 0 }, "splitEvery is a number of bytes from 1"],
    [{ body: "x", bodyCutAfter: -1 }, "bodyCutAfter is a number of bytes from 0"],
    [{ json: () => {} }, "has no JSON"],
    [{ body: 7 as unknown as string }, "body is text, bytes"],
    [{ body: [7] as never }, "a piece of a body is text or bytes"],
  ])("is refused: %j", async (init, message) => {
    await expect(post(init)).rejects.toThrow(message);
  });
});
