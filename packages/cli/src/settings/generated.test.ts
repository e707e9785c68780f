import { describe, expect, it } from "vitest";
import { configTypes, referencePage } from "./reference.ts";

// `npm run settings` writes them anew.

describe("referencePage", () => {
  it("is what SETTINGS.md says", async () => {
    await expect(referencePage()).toMatchFileSnapshot("../../SETTINGS.md");
  });
});

describe("configTypes", () => {
  it("is what config.ts says", async () => {
    await expect(configTypes()).toMatchFileSnapshot("./config.ts");
  });
});
