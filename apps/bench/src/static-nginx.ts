import { Nginx } from "./nginx.ts";

/**
 * nginx with one worker on one core, its files open, as a server of files is set up: `open_file_cache` and `sendfile`.
 *
 * @param folder for its configuration and logs.
 */
export function staticNginx(root: string, folder: string, core: number): Promise<Nginx> {
  return Nginx.start(folder, core, {
    main: `worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}`,
    http: `default_type application/octet-stream;
  types { text/plain txt; }
  charset utf-8;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=1000 inactive=60s;
  open_file_cache_valid 1s;
  open_file_cache_min_uses 1;`,
    server: `root ${root};
    add_header Cache-Control no-cache;
    add_header X-Content-Type-Options nosniff;`,
  });
}
