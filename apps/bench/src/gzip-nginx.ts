import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Usage } from "./processes.ts";

/** nginx that codes one file with gzip at a level, for each request anew: one process, on the core of the servers. */
export class CodingNginx {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port;
    this.#process = child;
    this.#folder = folder;
  }

  /** @returns `undefined` where there is no nginx. */
  static async start(body: Uint8Array, level: number): Promise<CodingNginx | undefined> {
    if (spawnSync("nginx", ["-v"]).status !== 0) return undefined;
    const folder = mkdtempSync(join(tmpdir(), "gateway-bench-nginx-"));
    const port = await freePort();
    mkdirSync(join(folder, "logs"));
    writeFileSync(join(folder, "index.json"), body);
    writeFileSync(join(folder, "nginx.conf"), configuration(folder, port, level));
    const command = ["nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "logs/error.log")];
    const pinned = spawnSync("taskset", ["--version"]).status === 0 ? ["taskset", "-c", "0", ...command] : command;
    const child = spawn(pinned[0] ?? "", pinned.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
    while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 20));
    return new CodingNginx(port, child, folder);
  }

  usage(): Usage {
    const nanoseconds = Number(readFileSync(`/proc/${this.#process.pid ?? 0}/schedstat`, "utf8").split(" ")[0]);
    return { cpuMicroseconds: nanoseconds / 1000, rssBytes: 0 };
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

function configuration(folder: string, port: number, level: number): string {
  return `daemon off;
master_process off;
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  types { application/json json; }
  gzip on;
  gzip_types application/json;
  gzip_comp_level ${level};
  keepalive_requests 100000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
    index index.json;
  }
}
`;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
