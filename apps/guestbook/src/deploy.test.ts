import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hasProgram } from "@gateway/testing/programs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";

const deploy = fileURLToPath(new URL("../deploy/", import.meta.url));
const read = (file: string): string => readFileSync(join(deploy, file), "utf8");
const root = fileURLToPath(new URL("../../../", import.meta.url));
const gateway = fileURLToPath(new URL("../../../node_modules/.bin/gateway", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gateway-deploy-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Whether the command understands these arguments; it prints what it makes of them. */
function settingsOf(args: readonly string[]): Record<string, unknown> {
  const text = execFileSync(process.execPath, [gateway, "--print-config", ...args], { encoding: "utf8", cwd: folder });
  return JSON.parse(text) as Record<string, unknown>;
}

describe("the systemd units", () => {
  it.skipIf(!hasProgram("systemd-analyze"))("are valid", () => {
    const units = join(folder, "systemd");
    mkdirSync(units);
    cpSync(join(deploy, "systemd"), units, { recursive: true });
    // What they name has to exist: this machine's own node, and a folder.
    const service = read("systemd/guestbook.service").replaceAll("/usr/bin/node", process.execPath);
    writeFileSync(join(units, "guestbook.service"), service);
    const names = ["guestbook.service", "guestbook.socket"].map((name) => join(units, name));
    execFileSync("systemd-analyze", ["verify", "--man=no", ...names], { stdio: "pipe" });
  });

  it("start the command with flags that it has, and give it time to stop", () => {
    const service = read("systemd/guestbook.service");
    const line = /^ExecStart=\S+ \S+\/gateway (.*)$/m.exec(service)?.[1] ?? "";
    const { gracefulTimeout, workers, target } = settingsOf(line.split(" "));
    expect(workers).toBeGreaterThan(0);
    // The repository is its working directory.
    expect(existsSync(join(root, String(target)))).toBe(true);
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(service)?.[1])).toBeGreaterThan(Number(gracefulTimeout));
  });
});

describe("the container file", () => {
  it("starts the command with flags that it has", () => {
    const arrays = [...read("container/Containerfile").matchAll(/^(?:ENTRYPOINT|CMD) (\[.*\])$/gm)];
    const words = arrays.flatMap(([, array = ""]) => JSON.parse(array) as string[]);
    expect(words.slice(0, 2)).toEqual(["node", "node_modules/.bin/gateway"]);
    expect(settingsOf(words.slice(2))).toMatchObject({ target: "apps/guestbook/dist/main.js" });
  });

  it("copies what there is, and nothing that was kept by whoever tried the guestbook before", () => {
    const copied = [...read("container/Containerfile").matchAll(/^COPY --from=build \/src\/(\S+) (\S+)$/gm)];
    expect(copied.map(([, from]) => from)).toEqual(["node_modules", "packages", "apps/guestbook"]);
    for (const [, from = "", to] of copied) expect([to, existsSync(join(root, from))]).toEqual([from, true]);
    const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
    expect(ignored).toEqual(expect.arrayContaining([".git", "**/node_modules", "**/var"]));
  });
});

describe("the Kubernetes manifests", () => {
  interface Manifest {
    readonly kind: string;
    readonly spec: {
      readonly template: {
        readonly spec: {
          readonly terminationGracePeriodSeconds: number;
          readonly containers: readonly {
            readonly args: readonly string[];
            readonly resources: { readonly limits: { readonly memory: string } };
            readonly readinessProbe: { httpGet: { path: string } };
          }[];
        };
      };
    };
  }

  it("are YAML, and start the command with flags that it has", () => {
    const documents = parseAllDocuments(read("kubernetes/guestbook.yaml"));
    expect(documents.flatMap(({ errors }) => errors)).toEqual([]);
    const manifests = documents.map((document) => document.toJS() as Manifest);
    expect(manifests.map(({ kind }) => kind)).toEqual(["Deployment", "Service", "PodDisruptionBudget"]);
    const pod = manifests[0]?.spec.template.spec;
    const container = pod?.containers[0];
    const settings = settingsOf(container?.args ?? []);
    expect(Number(settings["drainDelay"]) + Number(settings["gracefulTimeout"])).toBeLessThan(
      pod?.terminationGracePeriodSeconds ?? 0,
    );
    // Room for all workers and one that takes the place of another; 1 Mi is 1 MiB.
    const mebibytes = Number(/^(\d+)Mi$/.exec(container?.resources.limits.memory ?? "")?.[1]);
    expect(Number(settings["maxMemory"]) * (Number(settings["workers"]) + 1)).toBeLessThanOrEqual(mebibytes * 2 ** 20);
    expect(container?.readinessProbe.httpGet.path).toBe(settings["readyPath"]);
  });
});

describe("the configuration of nginx", () => {
  it.skipIf(!hasProgram("nginx"))("is valid", () => {
    const site = join(folder, "guestbook.conf");
    const text = read("nginx/guestbook.conf");
    writeFileSync(
      site,
      text.replace("@A@", "127.0.0.1:8001").replace("@B@", "127.0.0.1:8002").replace("@ADDRESS@", `unix:${folder}/nginx.sock`),
    );
    const main = join(folder, "nginx.conf");
    writeFileSync(
      main,
      `pid ${folder}/nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\n  access_log off;\n  include ${site};\n}\n`,
    );
    execFileSync("nginx", ["-t", "-q", "-c", main, "-p", folder, "-e", "stderr"], { stdio: "pipe" });
  });
});
