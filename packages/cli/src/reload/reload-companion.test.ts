import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeManager } from "../testing/fake-manager.ts";
import { reloadCompanion } from "./reload-companion.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "gateway-reload-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("reloadCompanion", () => {
  it("asks for a reload when an imported file changes, and again when one changes meanwhile", async () => {
    const file = join(folder, "app.mjs");
    writeFileSync(file, "1");
    const manager = new FakeManager();
    const said: string[] = [];
    const say = (message: string): void => void said.push(message);
    const companion = reloadCompanion({
      target: "site.mjs",
      directory: folder,
      quietMilliseconds: 60,
      log: { info: say, warning: say },
    });
    await companion.start(manager);
    manager.imported([file]);

    let version = 2;
    /** Writes until a reload has begun that waits for `finish`. */
    const changeUntil = async (isSeen: () => boolean): Promise<void> => {
      while (!isSeen()) {
        writeFileSync(file, String(version++));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const finish: (() => void)[] = [];
    manager.reload = async () => {
      await new Promise<void>((resolve) => finish.push(resolve));
      return manager.reloaded;
    };
    await changeUntil(() => finish.length === 1);
    const saidBefore = said.length;
    await changeUntil(() => said.length > saidBefore);
    expect(finish).toHaveLength(1);
    finish[0]?.();
    await changeUntil(() => finish.length === 2);
    await companion.stop();
    finish[1]?.();
    expect(said[0]).toBe("reload: app.mjs changed");
    expect(manager.listeners).toBe(0);
  });
});
