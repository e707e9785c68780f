import { adapters } from "./adapters.ts";
import { attacks } from "./attacks.ts";
import { gateways } from "./gateways.ts";
import { gzipBench } from "./gzip.ts";
import { hello } from "./hello.ts";
import { idle } from "./idle.ts";
import { logging } from "./logging.ts";
import { onion } from "./onion.ts";
import { reload } from "./reload.ts";
import { routerBench } from "./router.ts";
import { sessionsBench } from "./sessions.ts";
import { soak } from "./soak.ts";
import { stack } from "./stack.ts";
import { staticFilesBench } from "./static.ts";
import { streams } from "./streams.ts";
import { workers } from "./workers.ts";

const benches: Readonly<Record<string, () => Promise<void>>> = {
  adapters,
  attacks,
  gateways,
  gzip: gzipBench,
  hello,
  idle,
  logging,
  // With the whole stack around hello, unless rows are named.
  onion: async () => {
    await onion();
    if (process.argv[3] === undefined) await stack();
  },
  reload,
  router: routerBench,
  sessions: sessionsBench,
  soak,
  stack,
  static: staticFilesBench,
  streams,
  workers,
};

const name = process.argv[2] ?? "";
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
if (bench === undefined) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${Object.keys(benches).join(", ")}`);
  process.exitCode = 1;
} else {
  await bench();
}
