import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { makeClient as fastcgi } from "@gateway/fastcgi/client";
import { makeClient as scgi } from "@gateway/scgi/client";
import { makeClient as uwsgi } from "@gateway/uwsgi/client";
import { describe, expect, it } from "vitest";
import { Command, Fixtures, hello } from "./testing/command.ts";

const clients = { fastcgi, scgi, uwsgi };

async function ask(protocol: keyof typeof clients, connect: { port: number } | { path: string }): Promise<string> {
  const client = clients[protocol]({ connect });
  const { body } = await client.request({ variables: { REQUEST_METHOD: "GET", PATH_INFO: "/world" } });
  let text = "";
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  client.close();
  return text;
}

describe("gateway --protocol", () => {
  it.each(["fastcgi", "scgi", "uwsgi"] as const)("%s serves it over TCP, and stops gracefully", async (protocol) => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["--protocol", protocol, "-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    const [, port] = await command.said("stdout", new RegExp(`listening on 127\\.0\\.0\\.1:([0-9]+) for ${protocol} \\(`));

    expect(await ask(protocol, { port: Number(port) })).toBe("Hello from /world\n");

    command.process.kill("SIGTERM");
    expect(await command.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("serves on a Unix socket", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["--protocol=fastcgi", "-b", "unix:app.sock", "app.mjs"], fixtures.directory);
    await command.said("stdout", /listening on unix:app\.sock for fastcgi/);

    expect(await ask("fastcgi", { path: `${fixtures.directory}/app.sock` })).toBe("Hello from /world\n");
  });

  it("serves on descriptor 0, as mod_fcgid and lighttpd start it", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const listener = createServer().listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as AddressInfo;
    const { fd } = (listener as unknown as { _handle: { fd: number } })._handle;
    await using command = Command.start(["--protocol", "fastcgi", "-b", "fd://0", "app.mjs"], fixtures.directory, { stdin: fd });
    await command.said("stdout", /listening on/);
    listener.close();

    expect(await ask("fastcgi", { port })).toBe("Hello from /world\n");
  });

  it.each(["fastcgi", "scgi", "uwsgi"] as const)("%s splits the path at --mount", async (protocol) => {
    const app = hello.replace("environ.PATH_INFO", '[environ.SCRIPT_NAME, environ.PATH_INFO].join(" ")');
    await using fixtures = await Fixtures.make({ "app.mjs": app });
    const args = ["--protocol", protocol, "--mount", "/elsewhere", "--mount", "/wor", "--mount", "/world"];
    await using command = Command.start([...args, "-b", "unix:app.sock", "app.mjs"], fixtures.directory);
    await command.said("stdout", /listening on/);

    expect(await ask(protocol, { path: `${fixtures.directory}/app.sock` })).toBe("Hello from /world \n");
  });

  it.each([
    ["127.0.0.0/8", true],
    ["10.0.0.0/8", false],
  ])("lets only --allowed-address %s in", async (network, isAllowed) => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    const args = ["--protocol", "scgi", "-b", "127.0.0.1:0", "--allowed-address", network, "app.mjs"];
    await using command = Command.start(args, fixtures.directory);
    const [, port] = await command.said("stdout", /listening on 127\.0\.0\.1:([0-9]+)/);

    const answer = await ask("scgi", { port: Number(port) }).catch(String);
    expect(answer === "Hello from /world\n").toBe(isAllowed);
  });

  it.each([
    ["--multiplex", "1"],
    ["--no-multiplex", "0"],
  ])("says with %s whether requests may be multiplexed", async (flag, said) => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["--protocol", "fastcgi", flag, "-b", "unix:app.sock", "app.mjs"], fixtures.directory);
    await command.said("stdout", /listening on/);
    const socket = connect(`${fixtures.directory}/app.sock`);
    // FCGI_GET_VALUES of FCGI_MPXS_CONNS (FastCGI 1.0, section 4.1).
    socket.write(Buffer.from("\x01\x09\0\0\0\x11\0\0\x0f\0FCGI_MPXS_CONNS", "latin1"));
    const [result] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    expect(result.toString("latin1")).toContain(`\x0f\x01FCGI_MPXS_CONNS${said}`);
  });

  it("reports what it refuses in one line", async () => {
    await using fixtures = await Fixtures.make({ "app.mjs": hello });
    await using command = Command.start(["--protocol", "scgi", "-b", "127.0.0.1:0", "app.mjs"], fixtures.directory);
    const [, port] = await command.said("stdout", /listening on 127\.0\.0\.1:([0-9]+)/);

    await expect(ask("uwsgi", { port: Number(port) })).resolves.toContain("an SCGI request begins with");
    await command.said(
      "stderr",
      /^gateway: refused 127\.0\.0\.1: 400, an SCGI request begins with the length of its variables and a colon\n$/,
    );
  });
});
