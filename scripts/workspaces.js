import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** All workspaces: their folders and what their package.json says. */
export function workspaces() {
  return ["packages", "apps"].flatMap((group) =>
    readdirSync(join(root, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(root, group, entry.name, "package.json")))
      .map((entry) => {
        const folder = join(root, group, entry.name);
        return { folder, manifest: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) };
      }),
  );
}
