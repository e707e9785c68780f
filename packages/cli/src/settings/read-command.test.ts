import { describe, expect, it } from "vitest";
import { here, resolved } from "../testing/test-settings.ts";

describe("readCommand", () => {
  it("serves on 127.0.0.1:8000 with one worker by default", async () => {
    const { kind, settings, sources, file } = await resolved("app.js").then((read) => ({ kind: "serve", ...read }));

    expect(kind).toBe("serve");
    expect(settings).toMatchObject({
      target: "app.js",
      bind: [{ host: "127.0.0.1", port: 8000, text: "127.0.0.1:8000" }],
      protocol: "http",
      workers: 1,
      timeout: 30,
      gracefulTimeout: 30,
      accessLog: undefined,
      controlSocket: "auto",
      errorLog: "-",
      chdir: here,
      env: {},
      validate: false,
    });
    expect(file).toBeUndefined();
    expect(Object.values(sources).filter(({ kind }) => kind !== "default")).toEqual([{ kind: "flag", name: "the application" }]);
  });

  it("can be cloned to another process", async () => {
    const { settings } = await resolved("app.js");
    expect(structuredClone(settings)).toEqual(settings);
  });
});
