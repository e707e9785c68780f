// `npm start`: builds what hello needs, and serves it in this very process.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { root } from "./workspaces.js";

const build = spawnSync("npx", ["turbo", "run", "build", "--filter=@gateway/hello...", "--output-logs=errors-only"], {
  cwd: root,
  stdio: ["ignore", "ignore", "inherit"],
  shell: process.platform === "win32",
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
});
if (build.status !== 0) {
  console.error("the build failed: npm run build shows why");
  process.exit(1);
}

// npm hands a signal to its shell only, which dies of it and leaves this process behind: then it is time to stop, too.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
}, 500).unref();

process.argv.splice(2, Infinity, join(root, "apps/hello/dist/app.js"));
await import("../packages/cli/bin/gateway.js");
