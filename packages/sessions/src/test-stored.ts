import type { Session } from "./session.ts";
import type { TestData } from "./test-onion.ts";

/** What the tests of sessions in stores do with them, by path. */
export const handlers: Readonly<Record<string, (session: Session<TestData>) => unknown>> = {
  "/": () => "page",
  "/set": (session) => session.set("user", "Ada"),
  "/get": (session) => session.get("user"),
  "/count": (session) => session.update("count", (count = 0) => count + 1),
  "/logout": (session) => session.destroy(),
  "/login": (session) => session.regenerate(),
  "/id": (session) => session.id,
};

export const text = (body: string): Buffer => Buffer.from(body);

export const plain = (): [string, string][] => [["Content-Type", "text/plain"]];

export const down = (): never => {
  throw new Error("the store is down");
};
