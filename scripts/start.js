// `npm start`: builds what the guestbook needs, and serves it in this very process. What stands behind `--` goes to the command: `npm start -- --bind 127.0.0.1:8001`.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./workspaces.js";

const parent = process.ppid;
const build = spawnSync("npx", ["turbo", "run", "build", "--filter=@gateway/guestbook...", "--output-logs=errors-only"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
  shell: process.platform === "win32",
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
});
if (build.status !== 0) {
  console.error("the build failed: npm run build shows why");
  process.exit(1);
}

// Stopped while it built: npm hands a signal to its shell only.
if (process.ppid !== parent) process.exit(143);

process.argv.push(join(root, "apps/guestbook/dist/main.js"));
await import("../packages/cli/bin/gateway.js");
