import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of this workspace. */
export const workspace: string = fileURLToPath(new URL("../..", import.meta.url));

/**
 * The application and the packages that it needs, copied to a temporary folder as they would be installed on a server: where the tests
 * run as root the front servers do not, and need not be able to read this folder.
 */
export class Installation implements Disposable {
  readonly folder: string;
  readonly #installed = new Set<string>();

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "gateway-everywhere-"));
    chmodSync(this.folder, 0o755);
    for (const name of ["package.json", "dist"]) cpSync(join(workspace, name), join(this.folder, name), { recursive: true });
    this.#installNeedsOf(workspace);
    this.#installCommand();
  }

  /** Where npm puts it. This one runs every application inside the validator, which checks what the front servers make of requests. */
  #installCommand(): void {
    const folder = join(this.folder, "node_modules/.bin");
    mkdirSync(folder);
    const command = join(this.folder, "node_modules/@gateway/cli/bin/gateway.js");
    const lines = ["#!/usr/bin/env node", 'process.argv.splice(2, 0, "--validate");', `import(${JSON.stringify(command)});`, ""];
    writeFileSync(join(folder, "gateway"), lines.join("\n"), { mode: 0o755 });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #installNeedsOf(folder: string): void {
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { dependencies?: object };
    for (const name of Object.keys(dependencies)) {
      // Only the tests need it.
      if (this.#installed.has(name) || name === "@gateway/testing") continue;
      this.#installed.add(name);
      const from = packageFolder(folder, name);
      const to = join(this.folder, "node_modules", name);
      mkdirSync(to, { recursive: true });
      cpSync(from, to, {
        recursive: true,
        dereference: true,
        filter: (path) => !/\/(?:node_modules|src|CHANGELOG\.md)$/.test(path),
      });
      this.#installNeedsOf(from);
    }
  }
}

/** Where a package lies that this folder asks for: in the nearest `node_modules` above it that has it. */
function packageFolder(from: string, name: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, "node_modules", name);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) throw new Error(`${name} is not installed`);
  }
}
