import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where browsers find the assets of the pages. */
export interface Assets {
  readonly folder: string;
  readonly style: string;
  readonly script: string;
  readonly icon: string;
}

/** The path in front of all assets. */
export const assetsPrefix = "/assets";

/**
 * Finds the assets in a folder that `build-assets.ts` has filled: each name has the hash of its content, so that browsers may keep it for good.
 *
 * @throws {Error} where one is missing.
 */
export function findAssets(folder: URL | string): Assets {
  const path = typeof folder === "string" ? folder : fileURLToPath(folder);
  const files = readdirSync(path);
  const find = (stem: string, ending: string): string => {
    const file = files.find((name) => name.startsWith(`${stem}.`) && name.endsWith(ending) && name.split(".").length === 3);
    if (file === undefined) throw new Error(`there is no ${stem}${ending} in ${path}: run npm run build`);
    return `${assetsPrefix}/${file}`;
  };
  return { folder: path, style: find("guestbook", ".css"), script: find("guestbook", ".js"), icon: find("icon", ".svg") };
}
