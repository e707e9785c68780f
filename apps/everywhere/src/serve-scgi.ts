import { makeServer } from "@gateway/scgi";
import app from "./app.ts";
import { serveUntilStopped } from "./serve-until-stopped.ts";

/**
 * `node serve-scgi.js HOST PORT`: for httpd's mod_proxy_scgi, which sends the whole path in SCRIPT_NAME. Told its mounts, the server
 * splits it.
 */
const mounts = ["", "/app"];

await serveUntilStopped(makeServer(process.argv[2] ?? "", Number(process.argv[3]), app, { mounts }));
