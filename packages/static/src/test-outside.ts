import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { longAgo } from "./test-site.ts";

/** Every file outside the root holds it. It must never appear. */
export const secret = "THE SECRET OUTSIDE THE ROOT";

/** A root with everything in it that could lead out of it, and secrets all around. */
export interface Enclosure extends AsyncDisposable {
  readonly root: string;
  /** Where the secrets are. */
  readonly outside: string;
  /** All contents that may be served. */
  readonly contents: ReadonlySet<string>;
  /** Segments and paths to ask for. */
  readonly names: readonly string[];
}

export async function enclosure(): Promise<Enclosure> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "gateway-enclosure-")));
  const root = join(base, "outer/root");
  const contents = new Set<string>();
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    utimesSync(path, longAgo, longAgo);
  };
  for (const path of [
    "a.txt",
    "index.html",
    "sub/b.txt",
    "sub/index.html",
    "sub/deep/c.txt",
    "sp ace/d%2f.txt",
    "p%2e%2e.txt",
    "...",
    "sub/...",
    "ü.txt",
  ]) {
    contents.add(`inside: ${path}`);
    write(join(root, path), `inside: ${path}`);
  }
  for (const path of [
    "secret.txt",
    "outer/secret.txt",
    "outer/root-secret/secret.txt",
    "outer/root.txt",
    "etc/passwd",
    "outer/other/index.html",
    "outer/other/b.txt",
    "outer/other/a.txt.br",
  ])
    write(join(base, path), secret);
  // Inside, but not for strangers.
  for (const path of [".env", ".git/config", "sub/.htpasswd", ".gateway-static.json"])
    write(join(root, path), path.endsWith("json") ? `{"version":1,"files":{},"x":"${secret}"}` : secret);
  const links: readonly (readonly [string, string])[] = [
    ["link.txt", "../secret.txt"],
    ["absolute.txt", join(base, "secret.txt")],
    ["folder", "../other"],
    ["absolute-folder", join(base, "outer/other")],
    ["beside", "../root-secret"],
    ["chain-1", "chain-2"],
    ["chain-2", "folder"],
    ["sub/up", "../.."],
    ["sub/root-of-all", "/"],
    ["sub/link.txt", "../link.txt"],
    ["loop", "loop"],
    ["self", "."],
    ["inside.txt", "sub/b.txt"],
    ["inside", "sub"],
    ["a.txt.br", "../other/a.txt.br"],
    ["zero.txt", "/dev/zero"],
    ["memory.txt", "/proc/self/environ"],
    ["descriptors", "/proc/self/fd"],
  ];
  for (const [path, target] of links) symlinkSync(target, join(root, path));
  execFileSync("mkfifo", [join(root, "fifo.txt"), join(root, "sub/b.txt.br")]);
  if (process.getuid?.() === 0) execFileSync("mknod", [join(root, "device.txt"), "c", "1", "5"]);
  else write(join(root, "device.txt"), "inside: device.txt");
  contents.add("inside: device.txt");
  const socket = createServer().listen(join(root, "socket.txt"));
  await once(socket, "listening");
  mkdirSync(join(root, "closed"));
  write(join(root, "closed/x.txt"), "inside: closed/x.txt");
  contents.add("inside: closed/x.txt");
  chmodSync(join(root, "closed"), 0);
  const names = [
    ..."a.txt index.html sub sub/b.txt b.txt deep c.txt sp%20ace d%252f.txt p%252e%252e.txt ... %c3%bc.txt".split(" "),
    ..."secret.txt root root-secret root.txt other etc/passwd passwd .env .git config .htpasswd .gateway-static.json".split(" "),
    ...links.map(([path]) => path),
    ..."fifo.txt device.txt socket.txt closed x.txt".split(" "),
    base.slice(1),
    `${base.slice(1)}/secret.txt`,
    "proc/self/environ",
    "etc",
    "outer",
    "C:",
    "NUL",
    "~root",
  ];
  return {
    root,
    outside: join(base, "outer"),
    contents,
    names,
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
      chmodSync(join(root, "closed"), 0o700);
      rmSync(base, { recursive: true, force: true });
    },
  };
}
