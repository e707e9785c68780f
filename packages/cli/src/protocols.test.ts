import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
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
