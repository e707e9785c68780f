import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keptSecret } from "./kept-secret.ts";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "gateway-guestbook-"))));
afterEach(() => rmSync(folder, { recursive: true }));

describe("keptSecret", () => {
  it("makes one for its user alone, and keeps it", () => {
    const path = join(folder, "new/secret");
    const secret = keptSecret(path);
    expect(Buffer.byteLength(secret)).toBeGreaterThanOrEqual(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "new")).mode & 0o777).toBe(0o700);
    expect(keptSecret(path)).toBe(secret);
    expect(readdirSync(join(folder, "new"))).toEqual(["secret"]);
    expect(keptSecret(join(folder, "other"))).not.toBe(secret);
  });

  it("refuses a file that holds none", () => {
    writeFileSync(join(folder, "secret"), "short\n");
    expect(() => keptSecret(join(folder, "secret"))).toThrow(/holds no secret of 32 characters/);
  });
});
