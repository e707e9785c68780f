import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { buildStatic } from "@gateway/static/build";

const hashLength = 12;

/** Copies assets, each under a name with the hash of its content, and puts compressed siblings beside them. */
export async function buildAssets(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const file of await readdir(from)) {
    const content = await readFile(join(from, file));
    const { name, ext } = parse(file);
    const hash = createHash("sha256").update(content).digest("hex").slice(0, hashLength);
    await writeFile(join(to, `${name}.${hash}${ext}`), content);
  }
  await buildStatic(to, { minBytes: 256 });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  await buildAssets(fileURLToPath(new URL("../assets", import.meta.url)), fileURLToPath(new URL("./assets", import.meta.url)));
}
