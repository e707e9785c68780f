import { linkSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isSameFileInside, noFileOr } from "./root-folder.ts";
import { testFolder } from "./test-site.ts";

// What stands in for /proc/self/fd where there is none.
describe("isSameFileInside", () => {
  it("holds for the very file that was opened, by whatever link inside", () => {
    using folder = testFolder();
    const file = folder.put("root/a.txt", "a");
    const root = join(folder.path, "root");
    symlinkSync("a.txt", join(root, "link"));
    const opened = statSync(file, { bigint: true });
    expect(isSameFileInside(root, file, opened)).toBe(true);
    expect(isSameFileInside(root, join(root, "link"), opened)).toBe(true);
  });

  it("does not hold for another file, one outside, or none", () => {
    using folder = testFolder();
    const outside = folder.put("root-secret/a.txt", "secret");
    const inside = folder.put("root/a.txt", "a");
    const root = join(folder.path, "root");
    symlinkSync(outside, join(root, "link"));
    symlinkSync("../root-secret", join(root, "folder"));
    const opened = statSync(outside, { bigint: true });
    // The link led outside when it was opened, and was swapped since.
    expect(isSameFileInside(root, inside, opened)).toBe(false);
    expect(isSameFileInside(root, join(root, "link"), opened)).toBe(false);
    expect(isSameFileInside(root, join(root, "folder/a.txt"), opened)).toBe(false);
    expect(isSameFileInside(root, join(root, "gone"), opened)).toBe(false);
    // A hard link is the same file, inside.
    mkdirSync(join(root, "hard"));
    linkSync(outside, join(root, "hard/a.txt"));
    expect(isSameFileInside(root, join(root, "hard/a.txt"), opened)).toBe(true);
  });
});

describe("noFileOr", () => {
  const failing = (code: string): Error => Object.assign(new Error(code), { code });

  it.each(["ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG", "EACCES", "EPERM", "ENXIO"])("takes %s for no file", (code) => {
    expect(noFileOr(failing(code))).toBeUndefined();
  });

  it.each(["EMFILE", "ENFILE"])("answers %s with 503", (code) => {
    expect(() => noFileOr(failing(code))).toThrow(expect.objectContaining({ status: "503 Service Unavailable" }));
  });

  it("throws on what else went wrong", () => {
    expect(() => noFileOr(failing("EIO"))).toThrow("EIO");
    expect(() => noFileOr(new TypeError("x"))).toThrow("x");
  });
});
