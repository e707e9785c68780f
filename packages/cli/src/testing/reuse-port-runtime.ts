import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasReusePort } from "../manager/native-handle.ts";

/** A newer Node.js, where `npm run test:runtimes` has put it. */
const project = fileURLToPath(new URL("../../../..", import.meta.url));
const newer = join(project, "node_modules/.cache/gateway-runtimes/node_modules", "node24", "bin/node");

/** A Node.js that knows sockets which share a port: that of the test, or a newer one; `undefined`: there is none. */
export const reusePortRuntime: string | undefined = hasReusePort() ? process.execPath : existsSync(newer) ? newer : undefined;
