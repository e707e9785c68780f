import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Usage } from "./processes.ts";

/** Is there an nginx to compare with? */
export const hasNginx: boolean = spawnSync("nginx", ["-v"]).status === 0;

/** nginx with one worker on one core, its files open, as a server of files is set up: `open_file_cache` and `sendfile`. */
export class Nginx {
  readonly port: number;
  readonly #master: ChildProcess;

  private constructor(port: number, master: ChildProcess) {
    this.port = port;
    this.#master = master;
  }

  /** @param folder for its configuration and logs. */
  static async start(root: string, folder: string, core: number): Promise<Nginx> {
    const port = await freePort();
    mkdirSync(join(folder, "logs"), { recursive: true });
    writeFileSync(join(folder, "nginx.conf"), configuration(root, folder, port));
    const command = ["nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "logs/error.log")];
    const isPinned = spawnSync("taskset", ["--version"]).status === 0;
    const [program = "", ...args] = isPinned ? ["taskset", "-c", String(core), ...command] : command;
    const master = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    await answers(port);
    return new Nginx(port, master);
  }

  /** CPU time of master and worker. */
  usage(): Usage {
    const pid = this.#master.pid ?? 0;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    const nanoseconds = [String(pid), ...children].map((of) => Number(readFileSync(`/proc/${of}/schedstat`, "utf8").split(" ")[0]));
    return { cpuMicroseconds: nanoseconds.reduce((sum, n) => sum + n, 0) / 1000, rssBytes: 0 };
  }

  stop(): void {
    this.#master.kill("SIGTERM");
  }
}

function configuration(root: string, folder: string, port: number): string {
  return `daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/octet-stream;
  types { text/plain txt; }
  charset utf-8;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  open_file_cache max=1000 inactive=60s;
  open_file_cache_valid 1s;
  open_file_cache_min_uses 1;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    root ${root};
    add_header Cache-Control no-cache;
    add_header X-Content-Type-Options nosniff;
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

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await canConnect(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("nginx does not answer");
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** Can the CPU time of another process be read? */
export const canReadUsage: boolean = existsSync("/proc/self/schedstat");
