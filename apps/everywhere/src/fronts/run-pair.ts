import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { findProgram, startProgram, type ProgramOptions, type RunningProgram } from "@gateway/testing/programs";
import { apacheModules } from "./apache-modules.ts";
import { freePorts } from "./free-ports.ts";
import { workspace } from "./installation.ts";
import type { Pair } from "./pair.ts";
import { mounts, siteAt, type Mount, type Site } from "./site.ts";

/** Users whom systems have for servers: front servers refuse to run as root, or become one of these by themselves. */
const insteadOfRoot = ["www-data", "nobody"];

/** Where the programs of front servers lie besides the PATH. */
const path = [dirname(process.execPath), process.env["PATH"] ?? "", "/usr/local/sbin", "/usr/sbin", "/sbin"].join(":");

/** A front server with the application behind it. */
export interface RunningPair extends AsyncDisposable {
  readonly sites: readonly Site[];
  /** How often each body was closed that has a name. */
  readonly closings: () => ReadonlyMap<string, number>;
  /** What application and front server have written, to their outputs and to files. */
  log(): string;
  stop(): Promise<void>;
}

/** Programs that this machine lacks. */
export function missingFor(pair: Pair): string[] {
  return ["openssl", ...pair.needs].filter((name) => (name.endsWith(".so") ? !existsSync(name) : findProgram(name) === undefined));
}

/** The mounts that a pair has. */
export function mountsOf(pair: Pair): readonly Mount[] {
  return mounts.filter(({ scheme }) => scheme === "http" || pair.isPlain !== true);
}

/**
 * Starts the application and the front server with the very files of the pair's folder, its placeholders filled in.
 *
 * @param root where the application is installed.
 */
export async function startPair(pair: Pair, root: string): Promise<RunningPair> {
  const [port = 0, appPort = 0, tlsPort = 0, backendPort = 0] = await freePorts(4);
  const values: Record<string, string> = { ROOT: root, NODE: process.execPath, MODULES: apacheModules };
  Object.assign(values, { PORT: port, APP_PORT: appPort, TLS_PORT: tlsPort, BACKEND_PORT: backendPort });
  const app = pair.isSpawned === true ? undefined : await startPart(pair, "start-app", values, "listening");
  values["SOCKET"] = `${app?.folder ?? ""}/app.sock`;
  let front: RunningProgram;
  try {
    const ready = pair.ready ?? (() => ({ port: pair.isPlain === true ? appPort : tlsPort }));
    front = await startPart(pair, "start-front", values, ready);
  } catch (error) {
    await app?.stop();
    throw error;
  }
  return new Running(pair, app, front, [port, appPort, tlsPort]);
}

/** Starts one of the two scripts of a pair, in a folder with all its files. */
function startPart(
  pair: Pair,
  script: "start-app" | "start-front",
  values: Readonly<Record<string, string>>,
  ready: string | (() => { readonly port: number }),
): Promise<RunningProgram> {
  const options: ProgramOptions = {
    program: "sh",
    args: ({ folder }) => [join(folder, script)],
    insteadOfRoot,
    // Longer than the application waits for requests that somebody has left hanging.
    stopWithinMs: 40_000,
    env: { PATH: path },
    ready: typeof ready === "string" ? { output: ready } : ready,
    prepare: async ({ folder }, run) => {
      layOut(join(workspace, "fronts", pair.name), folder, values);
      if (script === "start-front" && pair.isPlain !== true) await makeCertificate(folder, run);
    },
  };
  return startProgram(options);
}

type Run = Parameters<NonNullable<ProgramOptions["prepare"]>>[1];

/** A certificate for this machine, signed by itself; and with its key in one file, as HAProxy wants it. */
async function makeCertificate(folder: string, run: Run): Promise<void> {
  const [key, certificate] = [join(folder, "tls.key"), join(folder, "tls.crt")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  await run("openssl", ["req", "-x509", "-batch", ...kind, ...names, "-keyout", key, "-out", certificate]);
  writeFileSync(join(folder, "tls.pem"), readFileSync(certificate, "utf8") + readFileSync(key, "utf8"), { mode: 0o644 });
}

/** Copies the files of a pair, with `@NAME@` replaced by its value. `@FOLDER@` is the folder they come to. */
function layOut(from: string, folder: string, values: Readonly<Record<string, string>>): void {
  const filled: Readonly<Record<string, string>> = {
    ...values,
    SOCKET: values["SOCKET"] ?? join(folder, "app.sock"),
    FOLDER: folder,
  };
  for (const name of readdirSync(from)) {
    const text = readFileSync(join(from, name), "utf8").replaceAll(/@([A-Z_]+)@/g, (placeholder, name: string) => {
      const value = filled[name];
      if (value === undefined) throw new Error(`${from}: there is no placeholder ${placeholder}`);
      return value;
    });
    writeFileSync(join(folder, name), text);
    if (text.startsWith("#!")) chmodSync(join(folder, name), 0o755);
  }
  for (const name of ["logs", "temp", "htdocs"]) {
    mkdirSync(join(folder, name));
    chmodSync(join(folder, name), 0o777);
  }
}

class Running implements RunningPair {
  readonly sites: readonly Site[];
  readonly #app: RunningProgram | undefined;
  readonly #front: RunningProgram;
  #names = 0;

  constructor(pair: Pair, app: RunningProgram | undefined, front: RunningProgram, ports: readonly number[]) {
    this.#app = app;
    this.#front = front;
    this.sites = mountsOf(pair).map((mount) =>
      siteAt(mount, {
        port: ports[mounts.indexOf(mount)] ?? 0,
        certificate: mount.scheme === "https" ? readFileSync(join(front.folder, "tls.crt"), "utf8") : undefined,
        startsEachRequest: pair.startsEachRequest === true,
        newName: () => `name-${process.pid}-${++this.#names}`,
        closings: (name) => this.#closed(name),
      }),
    );
  }

  closings(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const [, name = ""] of this.log().matchAll(/closed (name-[0-9-]+);/g)) counts.set(name, (counts.get(name) ?? 0) + 1);
    return counts;
  }

  async stop(): Promise<void> {
    try {
      await this.#front.stop();
    } finally {
      await this.#app?.stop();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** What application and front server have written, to their outputs and to files. */
  log(): string {
    const folder = join(this.#front.folder, "logs");
    const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), "latin1"));
    return [this.#app?.output ?? "", this.#front.output, ...files].join("\n");
  }

  /** Looks until it is there: a log has no way to tell that it has grown. */
  async #closed(name: string): Promise<number> {
    for (let looks = 0; looks < 1000; looks++) {
      const count = this.closings().get(name);
      if (count !== undefined) return count;
      await wait(10);
    }
    return 0;
  }
}
