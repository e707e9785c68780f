import { describe, expect, it } from "vitest";
import { actions } from "./flags.ts";
import { helpText } from "./help-text.ts";
import { table } from "./table.ts";

describe("helpText", () => {
  const lines = helpText().split("\n");

  it("shows every flag with what it takes, and what it does without", () => {
    const help = lines.join(" ").replaceAll(/ +/g, " ");
    for (const flag of ["-b, --bind ADDRESS", "-w, --workers N", "--timeout TIME", "--validate", "-h, --help", "-v, --version"]) {
      expect(help).toContain(` ${flag} `);
    }
    expect(help).toContain("(default 127.0.0.1:8000)");
    expect(help).toContain("(default 75s for http; unlimited for fastcgi; http, fastcgi only)");
    for (const { flag } of table.values()) if (flag !== undefined) expect(help).toContain(` --${flag} `);
    for (const { name } of actions) expect(help).toContain(` --${name} `);
  });

  it("fits a terminal", () => {
    expect(lines.filter((line) => line.length > 100 || line !== line.trimEnd())).toEqual([]);
  });
});

describe("table", () => {
  it("has no two settings with the same flag, short flag or variable", () => {
    const all = [...table.values()];
    for (const names of [
      [...all.map(({ flag }) => flag), ...actions.map(({ name }) => name)],
      [...all.map(({ short }) => short), ...actions.map(({ short }) => short)].filter((short) => short !== undefined),
      all.map(({ variable }) => variable).filter((variable) => variable !== undefined),
    ]) {
      expect(names).toEqual([...new Set(names)]);
    }
  });

  it("has no variable that Kubernetes or CGI set", () => {
    for (const { variable = "" } of table.values()) expect(variable).not.toMatch(/^GATEWAY_(PORT|SERVICE|INTERFACE)/);
  });
});
