#!/usr/bin/env node
// A committed file, so that npm can link the command before the first build.
import { existsSync } from "node:fs";

const built = new URL("../dist/main.js", import.meta.url);
if (!existsSync(built)) {
  process.stderr.write("gateway: the command is not built yet: run npm run build first\n");
  process.exit(1);
}
const { main } = await import(built.href);
process.exit(await main(process.argv.slice(2), process.env));
