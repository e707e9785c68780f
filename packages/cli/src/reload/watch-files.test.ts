import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { watchFiles, type FileWatch, type WatchOptions } from "./watch-files.ts";

let folder: string;
let changes: string[][];
let waiting: (() => void)[];
let files: FileWatch;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "gateway-watch-")));
  changes = [];
  waiting = [];
});
afterEach(async () => {
  await files.close();
  rmSync(folder, { recursive: true });
});

async function start(options: Partial<WatchOptions> = {}): Promise<void> {
  files = watchFiles({
    directory: folder,
    quietMilliseconds: 60,
    onChange(changed) {
      changes.push(changed.map((file) => file.replace(`${folder}/`, "")));
      for (const look of waiting.splice(0)) look();
    },
    onError(error) {
      throw error;
    },
    ...options,
  });
  await files.ready;
}

/** Does it until it was told, for a watch may begin a little later than it was asked for. Rarely enough that it is quiet between. */
async function told(act: () => void, file: string): Promise<void> {
  changes = [];
  while (!changes.flat().includes(file)) {
    act();
    await new Promise<void>((resolve) => {
      const again = setTimeout(resolve, 1000);
      waiting.push(() => {
        clearTimeout(again);
        resolve();
      });
    });
  }
}

const at = (name: string): string => join(folder, name);

describe("watchFiles", () => {
  it("tells when a file is written, removed, and there again", async () => {
    writeFileSync(at("a.js"), "1");
    await start();
    files.add([at("a.js")]);
    let version = 2;
    const write = (): void => writeFileSync(at("a.js"), String(version++));
    await told(write, "a.js");
    await told(() => rmSync(at("a.js"), { force: true }), "a.js");
    await told(write, "a.js");
    await told(write, "a.js");
  });

  it("tells when an editor puts a new file into its place", async () => {
    writeFileSync(at("a.js"), "1");
    await start();
    files.add([at("a.js")]);
    let version = 2;
    for (let i = 0; i < 3; i++) {
      await told(() => {
        writeFileSync(at("a.js.tmp"), String(version++));
        renameSync(at("a.js.tmp"), at("a.js"));
      }, "a.js");
    }
    expect(changes.flat()).not.toContain("a.js.tmp");
  });

  it("tells when a file appears that was missing", async () => {
    await start();
    files.add([at("missing.js")]);
    await told(() => {
      rmSync(at("missing.js"), { force: true });
      writeFileSync(at("missing.js"), "1");
    }, "missing.js");
  });

  it("tells of many changes at once, and of nothing that was not asked for", async () => {
    const names = ["a.js", "b.js", "c.js"];
    for (const name of [...names, "other.js"]) writeFileSync(at(name), "1");
    await start({ quietMilliseconds: 150 });
    files.add(names.map(at));
    files.add(names.map(at));
    await told(() => {
      for (const name of [...names, "other.js"]) writeFileSync(at(name), String(Math.random()));
    }, "c.js");
    expect(changes.at(-1)).toEqual(names);
  });

  it("watches files, folders and globs besides", async () => {
    for (const path of ["templates/deep", "data", "node_modules/x"]) mkdirSync(at(path), { recursive: true });
    for (const path of [".env", "templates/a.html", "templates/a.txt", "data/x.json"]) writeFileSync(at(path), "1");
    await start({ extra: [".env", "./templates/**/*.html", "data", "**/*.md"] });
    let version = 2;
    for (const path of [".env", "templates/a.html", "templates/deep/new.html", "data/x.json", "data/new.bin", "deep.md"]) {
      await told(() => writeFileSync(at(path), String(version++)), path);
    }
    changes = [];
    writeFileSync(at("templates/a.txt"), "2");
    writeFileSync(at("node_modules/x/readme.md"), "2");
    await told(() => writeFileSync(at(".env"), String(version++)), ".env");
    expect(new Set(changes.flat())).toEqual(new Set([".env"]));
  });
});
