import { client } from "@gateway/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EntryJson } from "./api.ts";
import { joinAs, makeGuestbook, type TestGuestbook } from "./test-guestbook.ts";

let book: TestGuestbook;
beforeEach(async () => void (book = await makeGuestbook()));
afterEach(() => book[Symbol.asyncDispose]());

interface List {
  readonly entries: readonly EntryJson[];
  readonly next: string | null;
}

describe("the API", () => {
  it("lists what the pages show, page by page", async () => {
    for (let i = 1; i <= 5; i++) await book.database.entries.write("Ada", `text ${i}`, Date.UTC(2026, 0, i));
    const http = client(book.app);
    const first = (await http.get("/api/entries?limit=2")).json() as List;
    expect(first.entries).toEqual([
      { id: 5, author: "Ada", text: "text 5", writtenAt: "2026-01-05T00:00:00.000Z" },
      { id: 4, author: "Ada", text: "text 4", writtenAt: "2026-01-04T00:00:00.000Z" },
    ]);
    const ids = first.entries.map(({ id }) => id);
    for (let { next } = first; next !== null;) {
      const page = (await http.get(next)).json() as List;
      ids.push(...page.entries.map(({ id }) => id));
      ({ next } = page);
    }
    expect(ids).toEqual([5, 4, 3, 2, 1]);
    expect((await http.get("/api/entries/3")).json()).toMatchObject({ id: 3, text: "text 3" });
  });

  it("writes for who has signed in", async () => {
    const ada = client(book.app, { headers: { Origin: "http://localhost" } });
    const stranger = await ada.post("/api/entries", { json: { text: "no" } });
    expect([stranger.status, stranger.headers.get("Content-Type")]).toEqual([403, "application/problem+json"]);
    await joinAs(ada, "Ada");

    const response = await ada.post("/api/entries", { json: { text: "by a program\n" } });
    expect(response.status).toBe(201);
    const entry = response.json() as EntryJson;
    expect(entry).toMatchObject({ author: "Ada", text: "by a program" });
    expect(response.headers.get("Location")).toBe(`/api/entries/${entry.id}`);
    expect((await ada.get(`/api/entries/${entry.id}`)).json()).toEqual(entry);
    expect((await book.browser().get("/")).text()).toContain("by a program");
  });

  it("says what is wrong as problem details", async () => {
    const ada = client(book.app, { headers: { Origin: "http://localhost" } });
    await joinAs(ada, "Ada");
    const problems = [
      await ada.post("/api/entries", { json: { text: "" } }),
      await ada.post("/api/entries", { json: ["text"] }),
      await ada.post("/api/entries", { json: null }),
      await ada.post("/api/entries", { json: { text: "\ud800" } }),
      await ada.post("/api/entries", { json: { text: "a\0b" } }),
      await ada.post("/api/entries", { body: "{", headers: { "Content-Type": "application/json" } }),
      await ada.post("/api/entries", { form: { text: "x" } }),
      await ada.get("/api/entries?limit=0"),
      await ada.get("/api/entries/7"),
      await ada.get("/api/entries/x"),
      await ada.get("/api/nothing"),
      await ada.delete("/api/entries"),
    ];
    expect(problems.map(({ status }) => status)).toEqual([422, 422, 422, 422, 422, 400, 415, 400, 404, 400, 404, 405]);
    expect(problems[0]?.json()).toMatchObject({ status: 422, detail: "Please write something." });
    expect(await book.database.entries.after(0, 10)).toEqual([]);
  });

  it("may be read by pages of others, and written by none of them", async () => {
    const http = client(book.app, { headers: { Origin: "https://elsewhere.example" } });
    const response = await http.get("/api/entries");
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(response.headers.get("Access-Control-Allow-Credentials")).toBeUndefined();
    const preflight = await http.options("/api/entries", { headers: { "Access-Control-Request-Method": "POST" } });
    expect(preflight.status).toBe(204);
    expect((await http.post("/api/entries", { json: { text: "x" } })).status).toBe(403);
    expect((await http.get("/")).headers.get("Access-Control-Allow-Origin")).toBeUndefined();
  });

  it("answers 304 to who has the list already", async () => {
    const http = client(book.app);
    const tag = (await http.get("/api/entries")).headers.get("ETag") ?? "";
    expect((await http.get("/api/entries", { headers: { "If-None-Match": tag } })).status).toBe(304);
  });
});
