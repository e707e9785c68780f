import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { StaticFilesOptions } from "./index.ts";
import { site, testFolder } from "./test-site.ts";

const isRoot = process.getuid?.() === 0;

describe("staticFiles and what is not for strangers", () => {
  it("hides dotfiles unless told", async () => {
    using folder = testFolder();
    folder.put(".env", "secret");
    folder.put(".git/config", "secret");
    folder.put(".well-known/security.txt", "contact");
    const statuses = async (options: StaticFilesOptions): Promise<number[]> => {
      const http = site(folder, options);
      const paths = ["/.env", "/.git/config", "/.well-known/security.txt"];
      return Promise.all(paths.map(async (path) => (await http.get(path)).status));
    };
    expect(await statuses({})).toEqual([404, 404, 404]);
    expect(await statuses({ dotfiles: [".well-known"] })).toEqual([404, 404, 200]);
    expect(await statuses({ dotfiles: "serve" })).toEqual([200, 200, 200]);
  });

  it("follows links that stay inside the root, and no others", async () => {
    using folder = testFolder();
    using outside = testFolder();
    const secret = outside.put("secret.txt", "secret");
    folder.put("a.txt", "a");
    mkdirSync(join(folder.path, "sub"));
    symlinkSync("a.txt", join(folder.path, "inside.txt"));
    symlinkSync("inside.txt", join(folder.path, "chain.txt"));
    symlinkSync(secret, join(folder.path, "outside.txt"));
    symlinkSync("outside.txt", join(folder.path, "chain-out.txt"));
    symlinkSync(outside.path, join(folder.path, "folder"));
    symlinkSync(`../../${outside.path}/secret.txt`, join(folder.path, "sub/up.txt"));
    symlinkSync("loop.txt", join(folder.path, "loop.txt"));
    // A name that only begins like the root's.
    symlinkSync(`${folder.path}-secret`, join(folder.path, "beside"));
    using beside = { [Symbol.dispose]: () => rmSync(`${folder.path}-secret`, { recursive: true, force: true }) };
    void beside;
    mkdirSync(`${folder.path}-secret`);
    linkSync(secret, `${folder.path}-secret/secret.txt`);
    const http = site(folder);
    expect((await http.get("/inside.txt")).text()).toBe("a");
    expect((await http.get("/chain.txt")).text()).toBe("a");
    for (const path of ["/outside.txt", "/chain-out.txt", "/folder/secret.txt", "/sub/up.txt", "/loop.txt", "/beside/secret.txt"])
      expect((await http.get(path)).text()).toBe(`inner GET ${path}`);
  });

  it.skipIf(process.platform === "win32")("does not wait for a FIFO, and serves no device and no socket", async () => {
    using folder = testFolder();
    execFileSync("mkfifo", [join(folder.path, "fifo.txt")]);
    folder.put("b.txt", "b");
    // Where a sibling is looked for.
    execFileSync("mkfifo", [join(folder.path, "b.txt.br")]);
    symlinkSync("/dev/zero", join(folder.path, "zero.txt"));
    if (isRoot) execFileSync("mknod", [join(folder.path, "device.txt"), "c", "1", "5"]);
    const http = site(folder);
    for (const path of ["/fifo.txt", "/zero.txt", "/device.txt"]) expect((await http.get(path)).status).toBe(404);
    expect((await http.get("/b.txt", { headers: { "Accept-Encoding": "br" } })).text()).toBe("b");
  });
});
