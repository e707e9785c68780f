import { gzipBench } from "./gzip.ts";
import { hello } from "./hello.ts";
import { idle } from "./idle.ts";
import { logging } from "./logging.ts";
import { onion } from "./onion.ts";
import { routerBench } from "./router.ts";
import { sessionsBench } from "./sessions.ts";
import { staticFilesBench } from "./static.ts";
import { streams } from "./streams.ts";

const benches: Readonly<Record<string, () => Promise<void>>> = {
  gzip: gzipBench,
  hello,
  idle,
  logging,
  onion,
  router: routerBench,
  sessions: sessionsBench,
  static: staticFilesBench,
  streams,
};

const name = process.argv[2] ?? "";
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (bench === undefined) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
  process.exitCode = 1;
} else {
  await bench();
}
