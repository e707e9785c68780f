import { hello } from "./hello.ts";
import { idle } from "./idle.ts";
import { streams } from "./streams.ts";

const benches: Readonly<Record<string, () => Promise<void>>> = { hello, idle, streams };

const name = process.argv[2] ?? "";
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (bench === undefined) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
  process.exitCode = 1;
} else {
  await bench();
}
