import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acceptQueues } from "./accept-queue.ts";

const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (local: string, state: string, queues: string): string =>
  `   0: ${local} 00000000:0000 ${state} ${queues} 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0\n`;

const tables = {
  tcp:
    header +
    row("0100007F:1F90", "0A", "00000000:00000025") +
    row("0100007F:1F90", "01", "00000000:00000099") +
    row("00000000:0050", "0A", "00000000:00000001"),
  tcp6:
    header +
    row("00000000000000000000000000000000:0050", "0A", "00000000:00000002") +
    row("B80D0120000000000000000001000000:1F90", "0A", "00000000:00000003") +
    row("B80D0120000000000000000001000000:1F90", "0A", "00000000:00000004") +
    row("0000000000000000FFFF00000100007F:1F91", "0A", "00000000:00000005"),
  unix: `Num       RefCount Protocol Flags    Type St Inode Path
0: 00000003 00000000 00000000 0001 02     0 /run/app.sock
0: 00000002 00000000 00010000 0001 01 4703426 /run/app.sock
0: 00000003 00000000 00000000 0001 02     0 /run/app.sock
0: 00000003 00000000 00000000 0001 03  4711 /run/app.sock
0: 00000003 00000000 00000000 0001 02     0 /other/run/app.sock
`,
};

describe("acceptQueues", () => {
  it.each([
    [{ kind: "tcp", host: "127.0.0.1", port: 8080 }, 37],
    [{ kind: "tcp", host: "0.0.0.0", port: 80 }, 1],
    [{ kind: "tcp", host: "::", port: 80 }, 2],
    [{ kind: "tcp", host: "2001:db8::1", port: 8080 }, 7],
    [{ kind: "tcp", host: "::ffff:127.0.0.1", port: 8081 }, 5],
    [{ kind: "unix", path: "/run/app.sock" }, 2],
  ] as const)("counts who waits at %j", (address, waiting) => {
    expect(acceptQueues([address], tables)).toEqual([{ address, waiting }]);
  });

  it("has nothing for what is not there", () => {
    const addresses = [{ kind: "tcp", host: "127.0.0.1", port: 81 } as const, { kind: "unix", path: "app.sock" } as const];
    expect(acceptQueues(addresses, tables)).toEqual([]);
    expect(acceptQueues([{ kind: "tcp", host: "127.0.0.1", port: 80 }], { tcp: "", tcp6: "", unix: "" })).toEqual([]);
  });

  it.runIf(process.platform === "linux")("sees real connections that nobody accepts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "gateway-queue-"));
    const path = join(folder, "app.sock");
    // A process that listens and is stopped accepts nothing.
    const code = `const net = require("node:net");
      const unix = net.createServer().listen(${JSON.stringify(path)}, () => {
        const tcp = net.createServer().listen(0, "127.0.0.1", () => process.stdout.write(tcp.address().port + "\\n", () => process.kill(process.pid, "SIGSTOP")));
      });`;
    const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    const sockets: Socket[] = [];
    try {
      const [text] = (await once(child.stdout, "data")) as [Buffer];
      const port = Number(text.toString());
      const addresses = [
        { kind: "tcp", host: "127.0.0.1", port },
        { kind: "unix", path },
      ] as const;
      const connectBoth = async (): Promise<void> => {
        const both = [connect(port, "127.0.0.1"), connect(path)];
        sockets.push(...both);
        await Promise.all(
          both.map((socket) =>
            once(
              socket.on("error", () => {}),
              "connect",
            ),
          ),
        );
      };
      // It may take one or two before the signal reaches it.
      while (acceptQueues(addresses).every(({ waiting }) => waiting < 3)) {
        await connectBoth();
      }
      const before = acceptQueues(addresses);
      await connectBoth();
      const after = acceptQueues(addresses);
      expect(after.map(({ waiting }) => waiting)).toEqual(before.map(({ waiting }) => waiting + 1));
    } finally {
      for (const socket of sockets) socket.destroy();
      child.kill("SIGKILL");
      await once(child, "close");
      rmSync(folder, { recursive: true });
    }
  });
});
