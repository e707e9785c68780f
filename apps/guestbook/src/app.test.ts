import { gunzipSync } from "node:zlib";
import { client } from "@gateway/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { joinAs, makeGuestbook, password, type TestGuestbook } from "./test-guestbook.ts";

let book: TestGuestbook;
beforeEach(async () => void (book = await makeGuestbook()));
afterEach(() => book[Symbol.asyncDispose]());

const write = (browser: ReturnType<TestGuestbook["browser"]>, text: string) => browser.post("/entries", { form: { text } });

describe("the pages", () => {
  it("show an empty guestbook to whoever comes, without a cookie", async () => {
    const response = await book.browser().get("/");

    expect(response.status).toBe(200);
    expect(response.text()).toContain("Nobody has written yet");
    expect(response.text()).toContain('href="/sign-in"');
    expect(response.headers.get("Set-Cookie")).toBeUndefined();
  });

  it("take a name, an entry, and show it to everybody", async () => {
    const ada = book.browser();
    await joinAs(ada, "Ada");
    expect((await ada.get("/")).text()).toContain("Welcome, Ada.");
    const written = await write(ada, "What a place!\r\nI shall come again.");
    expect([written.status, written.headers.get("Location")]).toEqual([303, "/"]);
    const page = (await ada.get("/")).text();
    expect(page).toContain("Thank you: your entry stands in the guestbook.");
    // Said once.
    expect((await ada.get("/")).text()).not.toContain("Thank you");

    const stranger = (await book.browser().get("/")).text();
    expect(stranger).toContain("What a place!\nI shall come again.");
    expect(stranger).toContain("<bdi>Ada</bdi>");
    expect(stranger).toContain('datetime="2026-11-21T12:01:00.000Z">21 November 2026<');
    expect(stranger).not.toContain("<textarea");
  });

  it("sign in and out, with a session that is new each time", async () => {
    const ada = book.browser();
    await joinAs(ada, "Ada Lovelace");
    const first = ada.cookies.get("sid");
    expect((await ada.post("/sign-out")).headers.get("Location")).toBe("/");
    const signedOut = (await ada.get("/")).text();
    expect(signedOut).toContain("You have signed out.");
    expect(signedOut).toContain('href="/sign-in"');

    // However it is spelt, it is the name that was taken.
    const again = await ada.post("/sign-in", { form: { name: "  ada   LOVELACE ", password } });
    expect(again.headers.get("Location")).toBe("/");
    expect(ada.cookies.get("sid")).not.toBe(first);
    expect((await ada.get("/")).text()).toContain("Welcome back, Ada Lovelace.");
    expect((await ada.get("/sign-in")).status).toBe(303);
  });

  it("let in nobody who knows only the name", async () => {
    await joinAs(book.browser(), "Ada");
    const thief = book.browser();
    for (const [name, guess] of [
      ["Ada", "wrong horse!"],
      ["Ada", ""],
      ["Nobody", password],
      ["", ""],
    ] as const) {
      const response = await thief.post("/sign-in", { form: { name, password: guess } });
      expect(response.status).toBe(422);
      expect(response.text()).toContain("This name and this password do not belong together.");
      expect(response.text()).not.toContain(guess === "" ? "no such text" : guess);
    }
    expect((await write(thief, "It was me")).headers.get("Location")).toBe("/sign-in");
    expect((await thief.get("/sign-in")).text()).toContain("Please sign in before you write.");
    expect(await book.database.entries.after(0, 10)).toEqual([]);
  });

  it("give a name to one person only", async () => {
    await joinAs(book.browser(), "Zoë");
    const other = book.browser();
    for (const name of ["zoë", "ZOE\u0308", "Ｚｏë", "Zo\u200Bë", "Zo\u200Dë", "\uFEFFZoë", "Zo\u00ADë", "Zoë\u3164"]) {
      const response = await other.post("/join", { form: { name, password } });
      expect(response.status).toBe(422);
      expect(response.text()).toContain("Somebody has this name already.");
    }
  });

  it("say what is wrong with an entry, and keep what was written", async () => {
    const ada = book.browser();
    await joinAs(ada, "Ada");
    const tooLong = "x".repeat(1001);
    const response = await write(ada, tooLong);
    expect(response.status).toBe(422);
    expect(response.text()).toContain("An entry has at most 1000 characters: these are 1001.");
    expect(response.text()).toContain(tooLong);
    expect(response.text()).toContain('aria-invalid="true"');
    expect(response.text()).toContain("<title>Please look again");
    expect((await write(ada, " \n ")).text()).toContain("Please write something.");
    expect((await ada.post("/entries", { form: {} })).status).toBe(422);
    expect(await book.database.entries.after(0, 10)).toEqual([]);
  });

  it("escape whatever somebody writes", async () => {
    const mallory = book.browser();
    const script = `<script>alert("x")</script>'&<!--`;
    await joinAs(mallory, script.slice(0, 40));
    await write(mallory, script);
    for (const page of [(await mallory.get("/")).text(), (await write(mallory, `${script}${"x".repeat(1000)}`)).text()]) {
      expect(page).not.toContain("<script>");
      expect(page).not.toContain("<!--");
      expect(page).toContain("&#60;script&#62;alert(&#34;x&#34;)&#60;/script&#62;&#39;&#38;&#60;!--");
    }
  });

  it("page through, there and back", async () => {
    const { entries } = book.database;
    for (let i = 1; i <= 25; i++) await entries.write("Ada", `entry number ${i}.`, i);
    const browser = book.browser();
    const numbers = (text: string): number[] => [...text.matchAll(/number (\d+)\./g)].map(([, number]) => Number(number));
    const link = (text: string, rel: string): string | undefined => new RegExp(`rel="${rel}"[^>]* href="([^"]+)"`).exec(text)?.[1];
    const range = (from: number, to: number): number[] => Array.from({ length: from - to + 1 }, (_, i) => from - i);

    const first = (await browser.get("/")).text();
    expect(numbers(first)).toEqual(range(25, 16));
    expect(link(first, "prev")).toBeUndefined();
    const second = (await browser.get(link(first, "next") ?? "")).text();
    expect(numbers(second)).toEqual(range(15, 6));
    const third = (await browser.get(link(second, "next") ?? "")).text();
    expect(numbers(third)).toEqual(range(5, 1));
    expect(link(third, "next")).toBeUndefined();
    expect(numbers((await browser.get(link(third, "prev") ?? "")).text())).toEqual(range(15, 6));
    expect(numbers((await browser.get(link(second, "prev") ?? "")).text())).toEqual(range(25, 16));
    // Only the first page has a form, and lives.
    expect(second).not.toContain("data-events");
    for (const query of ["older=x", "newer=-1", "older=99999999999", "older=1e3"]) {
      expect((await browser.get(`/?${query}`)).status).toBe(400);
    }
    expect((await browser.get("/?older=0")).text()).toContain("Newer entries");
  });
});

describe("the layers around", () => {
  it("send a strict policy, and no script or style inside a page", async () => {
    const browser = book.browser();
    await joinAs(browser, "Ada");
    for (const path of ["/", "/sign-in", "/join", "/nothing"]) {
      const response = await client(book.app, { headers: { Accept: "text/html" } }).get(path);
      const policy = response.headers.get("Content-Security-Policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toContain("unsafe");
      expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(response.text()).not.toMatch(/<style| style=| on\w+=|<script>|<script (?!src)/);
    }
  });

  it("refuse forms of other sites", async () => {
    const ada = book.browser();
    await joinAs(ada, "Ada");
    for (const headers of [
      { Origin: "http://evil.example" },
      { Origin: "null" },
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
    ]) {
      const response = await ada.post("/entries", { form: { text: "forged" }, headers });
      expect(response.status).toBe(403);
      expect(response.text()).toContain("Not from here");
    }
    const bare = client(book.app);
    expect((await bare.post("/sign-in", { form: { name: "Ada", password } })).status).toBe(403);
    expect(await book.database.entries.after(0, 10)).toEqual([]);
  });

  it("let an address try ten passwords in a minute", async () => {
    const thief = book.browser();
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++) {
      statuses.push((await thief.post("/sign-in", { form: { name: "Ada", password: `guess number ${i}` } })).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(422), 429, 429]);
    const refused = await thief.post("/join", { form: { name: "Ada", password } });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(refused.text()).toContain("Slowly, please");
    // Somebody else is not kept out, and reading costs nothing.
    expect((await thief.get("/sign-in")).status).toBe(200);
    const other = await thief.post("/join", { form: { name: "Ada", password }, environ: { REMOTE_ADDR: "192.0.2.9" } });
    expect(other.status).toBe(303);
  });

  it("have pages for errors, and words for programs", async () => {
    const page = await book.browser().get("/nothing/here");
    expect([page.status, page.headers.get("Content-Type")]).toEqual([404, "text/html; charset=utf-8"]);
    expect(page.text()).toContain("There is nothing here");
    const method = await book.browser().put("/sign-in");
    expect([method.status, method.headers.get("Allow")]).toEqual([405, "GET, HEAD, OPTIONS, POST"]);
    expect(method.text()).toContain("Not that way");
    const large = await book.browser().post("/entries", { form: { text: "x".repeat(70_000) } });
    expect(large.status).toBe(413);
    expect(large.text()).toContain("Too much");
    const wrongType = await book.browser().post("/entries", { json: { text: "x" } });
    expect(wrongType.status).toBe(415);
  });

  it("answer 500 with an id that is in the log, when the database fails", async () => {
    await book.database.close();
    const response = await book.browser().get("/", { errors: "expected" });
    expect(response.status).toBe(500);
    const id = /<code>([^<]+)<\/code>/.exec(response.text())?.[1];
    expect(response.errors).toContain(id);
    expect(response.text()).not.toContain("at ");
    expect((await book.browser().get("/readyz", { errors: "expected" })).status).toBe(503);
    expect((await book.browser().get("/livez")).status).toBe(200);
  });

  it("log each request in both formats, without secrets", async () => {
    const ada = book.browser();
    await joinAs(ada, "Ada");
    await ada.get("/?token=hunter2");
    await ada.get("/livez");
    expect(book.log.text).toHaveLength(2);
    expect(book.log.text[0]).toMatch(/^127\.0\.0\.1 - - \[.+\] "POST \/join HTTP\/1\.1" 303 /);
    expect(book.log.text[1]).toContain("token=REDACTED");
    const [first] = book.log.json.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(first).toMatchObject({ "http.request.method": "POST", "url.path": "/join", "http.response.status_code": 303 });
    expect([...book.log.text, ...book.log.json].join("")).not.toContain(password);
  });

  it("answer 304 to who has the page already, until there is something new", async () => {
    const browser = book.browser();
    const first = await browser.get("/");
    const tag = first.headers.get("ETag") ?? "";
    expect(tag).not.toBe("");
    expect((await browser.get("/", { headers: { "If-None-Match": tag } })).status).toBe(304);
    await book.database.entries.write("Ada", "new", 0);
    expect((await browser.get("/", { headers: { "If-None-Match": tag } })).status).toBe(200);
  });

  it("keep nothing of a page that only a guest sees", async () => {
    const ada = book.browser();
    await joinAs(ada, "Ada");
    await ada.get("/");
    const response = await ada.get("/");
    expect(response.headers.get("Cache-Control")).toBe("no-store");
    expect(response.headers.get("ETag")).toBeUndefined();
  });

  it("compress pages, and believe no proxy unless told", async () => {
    await book.database.entries.write("Ada", "a long text ".repeat(80), 0);
    const response = await book.browser().get("/", { headers: { "Accept-Encoding": "gzip", "X-Forwarded-For": "198.51.100.7" } });
    expect(response.headers.get("Content-Encoding")).toBe("gzip");
    expect(gunzipSync(response.bytes).toString()).toContain("a long text a long text");
    expect(book.log.text.at(-1)).toMatch(/^127\.0\.0\.1 /);

    await using trusting = await makeGuestbook({ trustedProxies: ["127.0.0.1"] });
    await trusting.browser().get("/", { headers: { "X-Forwarded-For": "198.51.100.7" } });
    expect(trusting.log.text.at(-1)).toMatch(/^198\.51\.100\.7 /);
  });

  it("set a cookie for https only behind a proxy that speaks it", async () => {
    await using trusting = await makeGuestbook({ trustedProxies: ["127.0.0.1"] });
    const browser = client(trusting.app, {
      headers: { Origin: "https://localhost", "X-Forwarded-Proto": "https" },
      cookies: false,
    });
    const response = await browser.post("/join", { form: { name: "Ada", password } });
    expect(response.headers.get("Set-Cookie")).toMatch(/^__Host-sid=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(response.headers.get("Strict-Transport-Security")).toContain("max-age");
  });

  it("take entries whose bytes come compressed, but no bomb", async () => {
    const { gzipSync } = await import("node:zlib");
    const ada = book.browser();
    await joinAs(ada, "Ada");
    const headers = { "Content-Encoding": "gzip", "Content-Type": "application/x-www-form-urlencoded" };
    expect((await ada.post("/entries", { body: gzipSync("text=small"), headers })).status).toBe(303);
    expect((await ada.post("/entries", { body: gzipSync(`text=${"x".repeat(1_000_000)}`), headers })).status).toBe(413);
    expect((await book.database.entries.after(0, 10)).map(({ text }) => text)).toEqual(["small"]);
  });

  it("serve the assets for good, compressed when they were built", async () => {
    const page = (await book.browser().get("/")).text();
    for (const path of [book.assets.style, book.assets.script, book.assets.icon]) {
      expect(page).toContain(`"${path}"`);
      const response = await book.browser().get(path, { headers: { "Accept-Encoding": "br, gzip" } });
      expect(response.status).toBe(200);
      expect(response.headers.get("Content-Encoding")).toBe("br");
      expect(response.headers.get("Cache-Control")).toContain("immutable");
    }
    expect((await book.browser().get("/assets/.gateway-static.json")).status).toBe(404);
    expect((await book.browser().get("/assets/..%2f..%2fpackage.json")).status).toBe(404);
  });
});
