import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Coding } from "./accept-encoding.ts";
import { buildStatic, type BuildOptions } from "./build.ts";

/** Where the command writes. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
}

const help = `gateway-static [options] ROOT

Writes compressed siblings (.br, .zst, .gz) beside the files below ROOT, where they
are smaller, and the manifest .gateway-static.json with the hashes of all of them.

  --check            change nothing; exit with 1 where something would change
  --codings LIST     which siblings to make: br,zstd,gzip (default: what this runtime can)
  --min-bytes N      no siblings for smaller files (default 1024)
  --max-bytes N      no siblings for larger files (default 67108864)
  --dotfiles LIST    names with a dot in front that are served: serve, refuse, or
                     a list such as .well-known (default refuse)
  -h, --help         show this and stop
`;

/**
 * The `gateway-static` command.
 *
 * @param args without the names of node and the script.
 * @returns the exit status: 0 done, 1 `--check` found something to do, 2 the command line or the root makes no sense.
 */
export async function main(args: readonly string[], output: Output): Promise<number> {
  let root: string;
  let options: BuildOptions;
  try {
    const command = parse(args);
    if (command === "help") {
      output.out(help);
      return 0;
    }
    ({ root, options } = command);
    if (!(await stat(root)).isDirectory()) throw new TypeError(`${root} is no folder`);
  } catch (error) {
    output.err(`gateway-static: ${error instanceof Error ? error.message : String(error)} (see gateway-static --help)\n`);
    return 2;
  }
  const { files, written, removed } = await buildStatic(root, options);
  const isCheck = options.check === true;
  for (const path of written) output.out(`${isCheck ? "would write" : "wrote"} ${path}\n`);
  for (const path of removed) output.out(`${isCheck ? "would remove" : "removed"} ${path}\n`);
  output.out(
    `${files} files, ${written.length + removed.length === 0 ? "nothing to do" : `${written.length + removed.length} changes`}\n`,
  );
  return isCheck && written.length + removed.length > 0 ? 1 : 0;
}

function parse(args: readonly string[]): "help" | { root: string; options: BuildOptions } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      check: { type: "boolean" },
      codings: { type: "string" },
      "min-bytes": { type: "string" },
      "max-bytes": { type: "string" },
      dotfiles: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) return "help";
  const [root, ...more] = positionals;
  if (root === undefined || more.length > 0) throw new TypeError("one root is needed");
  const options: BuildOptions = { check: values.check === true };
  if (values.codings !== undefined) options.codings = values.codings.split(",").map(codingOf);
  if (values["min-bytes"] !== undefined) options.minBytes = count("--min-bytes", values["min-bytes"]);
  if (values["max-bytes"] !== undefined) options.maxBytes = count("--max-bytes", values["max-bytes"]);
  const { dotfiles } = values;
  if (dotfiles !== undefined) options.dotfiles = dotfiles === "serve" || dotfiles === "refuse" ? dotfiles : dotfiles.split(",");
  return { root: resolve(root), options };
}

function codingOf(name: string): Coding {
  if (name !== "br" && name !== "zstd" && name !== "gzip") throw new TypeError(`--codings knows br, zstd and gzip, not ${name}`);
  return name;
}

function count(option: string, digits: string): number {
  if (!/^\d{1,15}$/.test(digits)) throw new TypeError(`${option} is a number of bytes`);
  return Number(digits);
}
