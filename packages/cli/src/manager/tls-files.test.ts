import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { describe, expect, it, vi } from "vitest";
import { Command, Fixtures } from "../testing/command.ts";

const app = `export default (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(environ["wsgi.url_scheme"] + " " + process.pid)];
};`;

/** A certificate that signs itself, and its key, as the files of that name. */
async function certificate(fixtures: Fixtures): Promise<string> {
  const [key, cert] = [`${fixtures.directory}/key.pem`, `${fixtures.directory}/cert.pem`];
  const made = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj", "/CN=localhost"];
  const names = ["-addext", "subjectAltName=DNS:localhost"];
  execFileSync("openssl", ["req", ...made, ...names, "-keyout", key, "-out", cert], { stdio: "pipe" });
  return readFile(cert, "utf8");
}

/** One request of a client that believes in that certificate only. */
async function ask(port: number, ca: string): Promise<{ readonly scheme: string; readonly pid: string }> {
  const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca });
  await once(socket, "secureConnect");
  socket.end("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const [, body = ""] = (await text(socket)).split("\r\n\r\n");
  const [scheme = "", pid = ""] = body.split(" ");
  return { scheme, pid };
}

describe("gateway --tls-cert, with workers", () => {
  it("serves TLS in each of them, and the new certificate after a reload", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const first = await certificate(fixtures);
    const control = ["--control-socket", `${fixtures.directory}/ctl`];
    await using command = Command.start(
      ["-w", "2", "-b", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem", ...control, "app.mjs"],
      fixtures.directory,
    );
    const [, found = ""] = await command.said("stdout", /listening on https:\/\/127\.0\.0\.1:(\d+)/);
    const port = Number(found);
    const pids = new Set<string>();
    await vi.waitUntil(async () => {
      const { scheme, pid } = await ask(port, first);
      expect(scheme).toBe("https");
      pids.add(pid);
      return pids.size === 2;
    }, 20_000);

    const second = await certificate(fixtures);
    expect(await Command.run(["ctl", ...control, "reload"], fixtures.directory)).toMatchObject({ code: 0 });
    expect(pids).not.toContain((await ask(port, second)).pid);
    await expect(ask(port, first)).rejects.toThrow("self-signed certificate");

    // What cannot be used leaves what can.
    await writeFile(`${fixtures.directory}/key.pem`, "no key");
    const refused = await Command.run(["ctl", ...control, "reload"], fixtures.directory);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("the reload was given up") as unknown });
    expect((await ask(port, second)).scheme).toBe("https");
  });
});
