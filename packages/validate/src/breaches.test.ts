import { describe, expect, it } from "vitest";
import { applicationBreaches } from "../test/application-breaches.ts";
import { environBreaches } from "../test/environ-breaches.ts";
import { serverBreaches } from "../test/server-breaches.ts";
import { isValidationError, rules, ValidationError } from "./index.ts";

const table = [...environBreaches, ...serverBreaches, ...applicationBreaches];

async function caught(breaks: () => unknown): Promise<unknown> {
  try {
    await breaks();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("validator", () => {
  it.each(table.map((breach) => [breach.rule, breach.what, breach] as const))("reports %s: %s", async (rule, _what, { breaks }) => {
    const error = await caught(breaks);
    if (!isValidationError(error)) throw new Error(`not a breach: ${String(error)}`, { cause: error });
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toContain(`${rule}: ${rules[rule]} — got `);
    expect(error.rule).toBe(rule);
    expect(error.side).toBe(rule.startsWith("G") ? "gateway" : "application");
    expect(error.message.length).toBeLessThan(400);
    expect(error.message).toMatch(/^[\x20-\x7e—…]+$/);
  });

  it("is tested with a breach of every rule", () => {
    const tested = new Set(table.map(({ rule }) => rule));
    expect(Object.keys(rules).filter((rule) => !tested.has(rule as keyof typeof rules))).toEqual([]);
  });
});
