import { chmodSync, lchownSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultControlPath, type ControlPlace } from "./control-path.ts";

let folder: string;
let own: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "gateway-place-")));
  own = join(folder, `gateway-${process.getuid?.() ?? 0}`);
});
afterEach(() => rmSync(folder, { recursive: true }));

const place = (given: Partial<ControlPlace> = {}): string =>
  defaultControlPath({ directory: folder, environment: {}, temporaryFolder: folder, make: true, ...given });

describe("defaultControlPath", () => {
  it("makes a folder that only this user can enter", () => {
    const path = place();
    expect(path).toMatch(/\/gateway-\d+\/[0-9a-f]{16}\.ctl$/);
    expect(statSync(own).mode & 0o777).toBe(0o700);
    expect(place()).toBe(path);
    expect(place({ make: false })).toBe(path);
  });

  it("is another for another working directory, and the same by way of a link", () => {
    const other = join(folder, "other");
    mkdirSync(other);
    symlinkSync(folder, join(folder, "link"));
    expect(place({ directory: other })).not.toBe(place());
    expect(place({ directory: join(folder, "link") })).toBe(place());
  });

  it("goes where the system has a folder for the user, unless that is open to others", () => {
    const runtime = join(folder, "run");
    mkdirSync(runtime, { mode: 0o700 });
    const environment = { XDG_RUNTIME_DIR: runtime };
    expect(place({ environment })).toMatch(`${runtime}/gateway/`);
    chmodSync(runtime, 0o755);
    expect(place({ environment })).toMatch(own);
    expect(place({ environment: { XDG_RUNTIME_DIR: "relative" } })).toMatch(own);
    expect(place({ environment: { XDG_RUNTIME_DIR: join(folder, "missing") } })).toMatch(own);
  });

  it.each([
    ["is a symbolic link", () => symlinkSync(folder, own)],
    ["is no folder", () => writeFileSync(own, "")],
    [
      "can be entered by other users",
      () => {
        mkdirSync(own);
        chmodSync(own, 0o755);
      },
    ],
  ])("refuses what %s", (problem, prepare) => {
    prepare();
    expect(() => place()).toThrow(problem);
    expect(() => place({ make: false })).toThrow(problem);
  });

  it.runIf(process.getuid?.() === 0)("refuses what belongs to another user", () => {
    mkdirSync(own, { mode: 0o700 });
    lchownSync(own, 65_534, 65_534);
    expect(() => place()).toThrow("belongs to another user: name another with --control-socket");
  });

  it("says that the folder cannot be made", () => {
    expect(() => place({ temporaryFolder: join(folder, "missing") })).toThrow(
      /^cannot make the folder of the control socket: ENOENT/,
    );
  });
});
