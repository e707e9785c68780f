import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFile, readFile, rm, writeFile } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { text } from "node:stream/consumers";
import { connect } from "node:tls";
import { describe, expect, it, vi } from "vitest";
import { StartError } from "../start-error.ts";
import { Command, Fixtures } from "../testing/command.ts";
import { readTlsFiles } from "./tls-files.ts";

const app = `export default (environ, startResponse) => {
  startResponse("200 OK", [["Content-Type", "text/plain"]]);
  return [Buffer.from(environ["wsgi.url_scheme"] + " " + process.pid)];
};`;

const elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/** A certificate that signs itself, and its key, as the files of that name. */
async function certificate(fixtures: Fixtures, kind = elliptic, encryption = ["-noenc"]): Promise<string> {
  const [key, cert] = [`${fixtures.directory}/key.pem`, `${fixtures.directory}/cert.pem`];
  const made = ["-x509", "-newkey", ...kind, ...encryption, "-days", "2", "-subj", "/CN=localhost"];
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
  it("says why it refuses whoever speaks no TLS", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    await certificate(fixtures);
    const args = ["-b", "127.0.0.1:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--no-control-socket", "app.mjs"];
    await using command = Command.start(args, fixtures.directory);
    const [, port = ""] = await command.said("stdout", /listening on https:\/\/127\.0\.0\.1:(\d+)/);
    connectPlain({ host: "127.0.0.1", port: Number(port) })
      .on("error", () => {})
      .resume()
      .end("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await command.said("stderr", /^gateway: refused 127\.0\.0\.1: the TLS handshake failed: .+\n$/);
  });

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

    // What cannot be used leaves what can: a key of another kind shows in no context that is made of it, only in each handshake.
    await certificate(fixtures, ["rsa:2048"]);
    await writeFile(`${fixtures.directory}/cert.pem`, second);
    const refused = await Command.run(["ctl", ...control, "reload"], fixtures.directory);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("does not belong to the (first) certificate") as unknown,
    });
    expect((await ask(port, second)).scheme).toBe("https");
  });
});

describe("readTlsFiles", () => {
  const whyNot = async (change: (fixtures: Fixtures) => Promise<unknown>): Promise<string> => {
    await using fixtures = await Fixtures.make({});
    await certificate(fixtures);
    await change(fixtures);
    const [tlsKey, tlsCert] = [`${fixtures.directory}/key.pem`, `${fixtures.directory}/cert.pem`];
    try {
      readTlsFiles({ tlsKey, tlsCert, tlsCa: undefined });
      return "";
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return error.message.replaceAll(`${fixtures.directory}/`, "");
    }
  };

  it("takes a certificate and its key", async () => {
    expect(await whyNot(() => Promise.resolve())).toBe("");
  });

  it.each<[string, (fixtures: Fixtures) => Promise<unknown>, string]>([
    [
      "a certificate that is a key",
      ({ directory: d }) => copyFile(`${d}/key.pem`, `${d}/cert.pem`),
      "--tls-cert cert.pem does not begin with",
    ],
    [
      "a key that is a certificate",
      ({ directory: d }) => copyFile(`${d}/cert.pem`, `${d}/key.pem`),
      "--tls-key key.pem holds no private key",
    ],
    ["an empty key", ({ directory: d }) => writeFile(`${d}/key.pem`, ""), "--tls-key key.pem holds no private key"],
    ["an encrypted key", (fixtures) => certificate(fixtures, elliptic, ["-passout", "pass:secret"]), "is encrypted"],
    ["a missing key", ({ directory: d }) => rm(`${d}/key.pem`), "cannot read key.pem: ENOENT"],
    [
      "another key of the same kind",
      async (fixtures) => {
        const pem = await readFile(`${fixtures.directory}/cert.pem`);
        await certificate(fixtures);
        await writeFile(`${fixtures.directory}/cert.pem`, pem);
      },
      "does not belong to the (first) certificate of --tls-cert cert.pem",
    ],
  ])("refuses %s, and says what is wrong with which file", async (_name, change, message) => {
    expect(await whyNot(change)).toContain(message);
  });
});
