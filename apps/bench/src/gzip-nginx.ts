import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Nginx } from "./nginx.ts";

/**
 * nginx that codes one file with gzip at a level, for each request anew: one process, on a core of the servers.
 *
 * @param folder for the file, the configuration and the logs.
 */
export function codingNginx(body: Uint8Array, level: number, folder: string, core: number): Promise<Nginx> {
  writeFileSync(join(folder, "index.json"), body);
  return Nginx.start(folder, core, {
    main: "master_process off;",
    http: `types { application/json json; }
  gzip on;
  gzip_types application/json;
  gzip_comp_level ${level};`,
    server: `root ${folder};
    index index.json;`,
  });
}
