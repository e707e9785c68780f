import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { rules } from "./index.ts";

interface Rule {
  readonly id: string;
  readonly text: string;
}

/** The rules of SPEC.md: each begins with its number in bold, and ends with its verdict. */
function readSpec(): Rule[] {
  const spec = readFileSync(new URL("../../core/SPEC.md", import.meta.url), "utf8");
  return spec
    .split(/^- (?=\*\*[A-Z][0-9]+\*\* — )/m)
    .slice(1)
    .map((item) => {
      const text = item.split(/\n(?=\n|- |#)/)[0] ?? "";
      return { id: /^\*\*([A-Z][0-9]+)\*\*/.exec(text)?.[1] ?? "", text: text.replaceAll(/\s+/g, " ").trim() };
    });
}

const spec = readSpec();
const isChecked = ({ text }: Rule): boolean => text.endsWith(" Checked.");

describe("the rules of SPEC.md", () => {
  it.each(["G", "A", "M"])("are numbered without gaps: %s", (letter) => {
    const ids = spec.map(({ id }) => id).filter((id) => id.startsWith(letter));
    expect(ids.length).toBeGreaterThan(0);
    expect(ids).toEqual(ids.map((_, index) => `${letter}${index + 1}`));
  });

  it("are of gateways, applications and middleware only", () => {
    expect(spec.filter(({ id }) => !/^[GAM][0-9]+$/.test(id))).toEqual([]);
  });

  it("are checked exactly where they say so", () => {
    expect(Object.keys(rules).toSorted()).toEqual(
      spec
        .filter(isChecked)
        .map(({ id }) => id)
        .toSorted(),
    );
  });

  it("say why, where they are not checked", () => {
    for (const rule of spec) if (!isChecked(rule)) expect(rule.text, rule.id).toMatch(/ Not checked: [^ ].{10,}\.$/);
  });
});
