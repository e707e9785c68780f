import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { children } from "./command.ts";
import { pinned, type Usage } from "./processes.ts";

/** Is there an nginx to compare with, and can its CPU time be read? */
export const hasNginx: boolean = existsSync("/proc/self/schedstat") && spawnSync("nginx", ["-v"]).status === 0;

/** What else an nginx of the bench is told. */
export interface NginxConfiguration {
  /** Directives of the main context, each with its `;`. */
  readonly main: string;
  /** Those of the `http` block. */
  readonly http: string;
  /** Those of the only server. */
  readonly server: string;
}

/** nginx on a core and a port of its own, without an access log. */
export class Nginx {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, child: ChildProcess) {
    this.port = port;
    this.#process = child;
  }

  /** @param folder for its configuration, logs and temporary files. */
  static async start(folder: string, core: number, configuration: NginxConfiguration): Promise<Nginx> {
    const port = await freePort();
    mkdirSync(join(folder, "logs"), { recursive: true });
    writeFileSync(join(folder, "nginx.conf"), written(folder, port, configuration));
    const command = ["nginx", "-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "logs/error.log")];
    const [program = "", ...args] = pinned(command, core);
    const child = spawn(program, args, { stdio: ["ignore", "ignore", "inherit"] });
    await answers(port);
    return new Nginx(port, child);
  }

  /** CPU time of the process and of its workers. */
  usage(): Usage {
    const pid = this.#process.pid ?? 0;
    const nanoseconds = [pid, ...children(pid)].map((of) => Number(readFileSync(`/proc/${of}/schedstat`, "utf8").split(" ")[0]));
    return { cpuMicroseconds: nanoseconds.reduce((sum, n) => sum + n, 0) / 1000, rssBytes: 0 };
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await ended;
  }
}

function written(folder: string, port: number, { main, http, server }: NginxConfiguration): string {
  return `daemon off;
${main}
pid ${folder}/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 100000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${http}
  server {
    listen 127.0.0.1:${port};
    ${server}
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
