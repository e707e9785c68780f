import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { chromiumPath, launchChromium, picture, serveGuestbook, violationsOf, type ServedGuestbook } from "./test-chromium.ts";
import { password } from "./test-guestbook.ts";

const entries: readonly (readonly [author: string, text: string])[] = [
  ["Grace", "I came for the coffee and stayed for the view."],
  ["Émilie", "Quel bel endroit ! Merci pour l’accueil, nous reviendrons l’été prochain."],
  ["Mary", "Two lines would do:\nfound it by accident,\nshall find it again on purpose."],
  ["نورا", "مكان جميل، شكرا لكم!"],
  ["Katherine", "Anaveryveryverylongwordthatnobodywouldeverwritebutsomebodyalwaysdoesandthenthepagebreaksunlessitisprepared."],
  ["Hedy", "Rainy day, warm room."],
];

describe.skipIf(chromiumPath === undefined)("in Chromium", { timeout: 60_000 }, () => {
  let chromium: Browser;
  let book: ServedGuestbook;
  let contexts: BrowserContext[];
  let complaints: string[];

  beforeAll(async () => void (chromium = await launchChromium()), 60_000);
  afterAll(() => chromium.close());
  beforeEach(async () => {
    contexts = [];
    complaints = [];
    book = await serveGuestbook();
  });
  afterEach(async () => {
    for (const context of contexts) await context.close();
    await book[Symbol.asyncDispose]();
    if (complaints.length > 0) throw new Error(`Chromium complained: ${complaints.join("; ")}`);
  });

  /** A window of somebody's own browser, which fails the test for whatever the page gets wrong. */
  async function visit(path: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Page> {
    const context = await chromium.newContext({ baseURL: book.origin, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // A form that is refused is a failed load to the console.
      if (message.type() === "error" && !message.text().includes("422")) complaints.push(message.text());
    });
    await page.goto(path);
    return page;
  }

  async function takeName(page: Page, name: string): Promise<void> {
    await page.goto("/join");
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Take this name" }).click();
    await page.getByText(`Welcome, ${name}.`).waitFor();
  }

  async function write(page: Page, text: string): Promise<void> {
    await page.getByLabel("Your entry").fill(text);
    await page.getByRole("button", { name: "Sign the guestbook" }).click();
    await page.getByText("Thank you: your entry stands in the guestbook.").waitFor();
  }

  const textsOf = (page: Page): Promise<string[]> => page.locator(".entries .text").allInnerTexts();
  const isLive = (page: Page): Promise<void> => page.locator('[data-live="on"]').waitFor({ state: "attached" });

  it("somebody takes a name, writes, and others see it appear", async () => {
    const reader = await visit("/");
    await isLive(reader);
    const ada = await visit("/");
    await takeName(ada, "Ada");
    await write(ada, "First!\nAnd a second line.");
    expect(await textsOf(ada)).toEqual(["First!\nAnd a second line."]);

    // Live: the reader has done nothing.
    await reader.locator(".entries li.fresh").waitFor();
    expect(await textsOf(reader)).toEqual(["First!\nAnd a second line."]);
    expect(await reader.getByRole("status").innerText()).toBe("A new entry by Ada");
    expect(await reader.getByText("Nobody has written yet").isVisible()).toBe(false);
    await write(ada, "<b>not bold</b>");
    await reader.getByText("<b>not bold</b>").waitFor();
    expect(await textsOf(reader)).toEqual(["<b>not bold</b>", "First!\nAnd a second line."]);
    // What came live looks like what was loaded.
    const live = await reader.locator(".entries article").evaluateAll((all) => all.map((one) => one.outerHTML));
    await reader.reload();
    expect(await reader.locator(".entries article").evaluateAll((all) => all.map((one) => one.outerHTML))).toEqual(live);
  });

  it("signs out and in again, and is told what is wrong", async () => {
    const page = await visit("/");
    await takeName(page, "Ada");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You have signed out.").waitFor();
    expect(await page.getByLabel("Your entry").count()).toBe(0);

    await page.getByRole("link", { name: "Sign in", exact: true }).click();
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("Password").fill("not it at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("do not belong together").waitFor();
    expect(await page.getByLabel("Name").inputValue()).toBe("Ada");
    expect(await violationsOf(page)).toEqual([]);
    await picture(page, "sign-in-wrong");
    await page.getByLabel("Password").fill(password);
    await page.keyboard.press("Enter");
    await page.getByText("Welcome back, Ada.").waitFor();
    await page.reload();
    expect(await page.getByText("Welcome back").count()).toBe(0);
    expect(await page.locator(".who").innerText()).toBe("Ada");
  });

  it("keeps what was written when it is refused", async () => {
    const page = await visit("/");
    await takeName(page, "Ada");
    // The browser would not let it through; somebody's program does.
    await page.getByLabel("Your entry").evaluate((field) => field.removeAttribute("maxlength"));
    await page.getByLabel("Your entry").fill("x".repeat(1001));
    await page.getByRole("button", { name: "Sign the guestbook" }).click();
    await page.getByText("An entry has at most 1000 characters").waitFor();
    expect(await page.getByLabel("Your entry").inputValue()).toBe("x".repeat(1001));
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("text");
    expect(await violationsOf(page)).toEqual([]);
    await picture(page, "entry-wrong");
  });

  it("sends nothing twice by reload or the back button, and shows nobody's page to the next", async () => {
    const page = await visit("/");
    await takeName(page, "Ada");
    await write(page, "only once");
    await page.reload();
    await page.goBack();
    await page.goForward();
    await page.goto("/");
    expect(await textsOf(page)).toEqual(["only once"]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You have signed out.").waitFor();
    await page.goBack();
    expect(await page.getByLabel("Your entry").count()).toBe(0);
    expect(await page.getByText("Signed as").count()).toBe(0);
  });

  it("pages through", async () => {
    for (let i = 1; i <= 23; i++) await book.database.entries.write("Ada", `number ${i}`, i);
    const page = await visit("/");
    await page.getByRole("link", { name: "Older entries" }).click();
    await page.getByText("number 13", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Older entries" }).click();
    await page.getByText("number 3", { exact: true }).waitFor();
    expect(await textsOf(page)).toEqual(["number 3", "number 2", "number 1"]);
    expect(await page.getByRole("link", { name: "Older entries" }).count()).toBe(0);
    expect(await violationsOf(page)).toEqual([]);
    await page.getByRole("link", { name: "Newer entries" }).click();
    await page.getByText("number 13", { exact: true }).waitFor();
    await page.goBack();
    await page.getByText("number 3", { exact: true }).waitFor();
  });

  it("is whole again after the back button, live too", async () => {
    const page = await visit("/");
    await isLive(page);
    await page.goto("/sign-in");
    await book.database.entries.write("Grace", "written meanwhile", 0);
    await page.goBack();
    await page.getByText("written meanwhile").waitFor();
    await isLive(page);
    await book.database.entries.write("Grace", "written now", 0);
    await page.getByText("written now").waitFor();
    expect(await textsOf(page)).toEqual(["written now", "written meanwhile"]);
  });

  it("works without JavaScript", async () => {
    const page = await visit("/", { javaScriptEnabled: false });
    await takeName(page, "Ada");
    await write(page, "by hand");
    expect(await textsOf(page)).toEqual(["by hand"]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByText("You have signed out.").waitFor();
    await page.goto("/sign-in");
    await page.getByLabel("Name").fill("Ada");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Welcome back, Ada.").waitFor();
  });

  it("works by keyboard alone", async () => {
    const page = await visit("/");
    await takeName(page, "Ada");
    await page.goto("/");
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    await page.keyboard.type("typed");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText("Thank you").waitFor();
    expect(await textsOf(page)).toEqual(["typed"]);
  });

  it.each([
    ["light", { colorScheme: "light", viewport: { width: 1200, height: 800 } }],
    ["dark", { colorScheme: "dark", viewport: { width: 1200, height: 800 } }],
    [
      "phone",
      { colorScheme: "light", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
    ],
    [
      "phone-dark",
      { colorScheme: "dark", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
    ],
  ] as const)("looks right: %s", async (name, options) => {
    const page = await visit("/", options);
    const check = async (part: string): Promise<void> => {
      expect(await violationsOf(page)).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow).toBe(0);
      await picture(page, `${name}-${part}`);
    };
    await check("empty");
    for (const [i, [author, text]] of entries.entries()) {
      await book.database.entries.write(author, text, Date.UTC(2026, 10, 20, 8 + i, 7 * i));
    }
    await page
      .locator(".entries li")
      .nth(entries.length - 1)
      .waitFor();
    await check("live");
    for (let i = 0; i < 8; i++)
      await book.database.entries.write("Rosalind", `Day ${i + 1} of my stay.`, Date.UTC(2026, 10, 21, 8 + i));
    await page.goto("/");
    await check("stranger");
    await page.goto("/sign-in");
    await check("sign-in");
    await takeName(page, `Maria Salomea ${name}`);
    await check("guest");
    await page.goto("/?older=9");
    await check("older");
    await page.goto("/nothing").catch(() => undefined);
    await check("not-found");
    complaints = complaints.filter((complaint) => !complaint.includes("404"));
  });
});
