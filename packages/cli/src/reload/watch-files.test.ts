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

  it("tells when a file appears in folders that were missing", async () => {
    await start();
    files.add([at("dist/server/app.js")]);
    await told(() => {
      rmSync(at("dist"), { recursive: true, force: true });
      mkdirSync(at("dist/server"), { recursive: true });
      writeFileSync(at("dist/server/app.js"), "1");
    }, "dist/server/app.js");
  });

  it("tells when its folder is removed and made again", async () => {
    const build = (text: string): void => {
      mkdirSync(at("dist/server"), { recursive: true });
      writeFileSync(at("dist/server/app.js"), text);
    };
    build("1");
    await start();
    files.add([at("dist/server/app.js")]);
    let version = 2;
    await told(() => build(String(version++)), "dist/server/app.js");
    for (let i = 0; i < 2; i++) {
      await told(() => rmSync(at("dist"), { recursive: true, force: true }), "dist/server/app.js");
      await told(() => build(String(version++)), "dist/server/app.js");
    }
    await told(() => writeFileSync(at("dist/server/app.js"), String(version++)), "dist/server/app.js");
  });

  it("tells of what changed before it was watched, and not of what did not", async () => {
    for (const name of ["a.js", "b.js"]) writeFileSync(at(name), "1");
    await start();
    files.add([at("a.js"), at("b.js")]);
    writeFileSync(at("b.js"), "two");
    await new Promise<void>((resolve) => waiting.push(resolve));
    expect(changes).toEqual([["b.js"]]);
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

  it("takes globs that begin at the root, or lead out of the folder, whatever is in its name", async () => {
    mkdirSync(at("site[1]/views"), { recursive: true });
    mkdirSync(at("shared"));
    const directory = at("site[1]");
    await start({ directory, extra: [`${directory}/views/**/*.html`, "../shared/*.json"] });
    for (const path of ["site[1]/views/a.html", "shared/b.json"]) {
      let version = 1;
      await told(() => writeFileSync(at(path), String(version++)), path);
    }
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
