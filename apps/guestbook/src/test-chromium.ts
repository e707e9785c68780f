import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findProgram } from "@gateway/testing/programs";
import { makeServer } from "@gateway/server";
import axe from "axe-core";
import { chromium, type Browser, type Page } from "playwright-core";
import type { Parts } from "./app.ts";
import { makeGuestbook, type TestGuestbook } from "./test-guestbook.ts";

/** The path of Chromium (Debian: `chromium`); `undefined`: it is not installed. */
export const chromiumPath: string | undefined = findProgram("chromium");

/** Chromium, told to be quiet: no sandbox for root, no requests of its own. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath ?? "",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A guestbook on a port of its own. */
export interface ServedGuestbook extends TestGuestbook {
  readonly origin: string;
}

export async function serveGuestbook(parts: Partial<Parts> = {}): Promise<ServedGuestbook> {
  const book = await makeGuestbook(parts);
  const complaints: string[] = [];
  const server = makeServer("127.0.0.1", 0, book.app, {
    shutdownSeconds: 1,
    errors: { write: (text) => void complaints.push(text), writelines: (lines) => void complaints.push(...lines), flush() {} },
  });
  const address = await server.listen();
  if (address.kind !== "tcp") throw new Error("not a port");
  const serving = server.serveForever();
  return {
    ...book,
    origin: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await serving;
      await book[Symbol.asyncDispose]();
      if (complaints.length > 0) throw new Error(`the server complained: ${complaints.join("")}`);
    },
  };
}

/** What axe-core finds wrong with a page: the rule, and where. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)).then(() => undefined));
  return page.evaluate(async () => {
    const { axe: checker } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    const { violations } = await checker.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`));
  });
}

const screenshots = fileURLToPath(new URL("../screenshots", import.meta.url));

/** Keeps a picture of a page, to be looked at by people. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(screenshots, { recursive: true });
  await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
}
