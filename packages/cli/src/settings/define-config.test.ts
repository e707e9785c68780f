import { importExample } from "@gateway/testing/readme";
import { describe, expect, expectTypeOf, it } from "vitest";
import { here, resolved } from "../testing/test-settings.ts";
import type { Config } from "./config.ts";
import { defineConfig, type ConfigExport } from "./define-config.ts";
import type { Declared, Settings } from "./settings.ts";

describe("defineConfig", () => {
  it("gives back what it is given", () => {
    const settings = {
      target: "./app.ts",
      workers: "auto",
      timeout: "30s",
      maxBodyBytes: "2MB",
      maxMemory: "50%",
      bind: [":80"],
    } as const;
    expect(defineConfig(settings)).toBe(settings);
    const make = (): Config => settings;
    expect(defineConfig(make)).toBe(make);
    const wait = (): Promise<Config> => Promise.resolve(settings);
    expect(defineConfig(wait)).toBe(wait);
  });

  it("is used as the README says", async () => {
    const example = await importExample(new URL("../../README.md", import.meta.url), {
      "@gateway/cli": new URL("../index.ts", import.meta.url),
    });
    const files = { [`${here}/gateway.config.ts`]: { default: example } };
    const { settings } = await resolved("", { files, environment: { NODE_ENV: "production" } });
    expect(settings).toMatchObject({
      target: "./app.ts",
      bind: [{ text: "unix:run/app.sock" }],
      workers: 4,
      limits: { keepAliveSeconds: 75 },
    });
  });

  it("knows every setting, and no other", () => {
    expectTypeOf<Exclude<keyof Settings, "limits" | "declared"> | keyof Declared>().toExtend<keyof Config>();
    // @ts-expect-error: a misspelt key
    defineConfig({ target: "app", worker: 4 });
    // @ts-expect-error: a unit that is none
    defineConfig({ timeout: "30 parsecs" });
    expectTypeOf<{ worker: 4 }>().not.toExtend<ConfigExport>();
    expectTypeOf<{ workers: "many" }>().not.toExtend<Config>();
    expectTypeOf<{ timeout: "30 parsecs" }>().not.toExtend<Config>();
    expectTypeOf<{ protocol: "gopher" }>().not.toExtend<Config>();
    expectTypeOf<{ headerBytes: "16KiB"; keepAliveSeconds: "unlimited"; accessLog: false }>().toExtend<Config>();
  });
});
