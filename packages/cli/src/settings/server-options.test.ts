import { readFileSync } from "node:fs";
import { makeServer as fastcgi } from "@gateway/fastcgi";
import { makeServer as scgi } from "@gateway/scgi";
import { makeServer as http } from "@gateway/server";
import { makeServer as uwsgi } from "@gateway/uwsgi";
import { describe, expect, it } from "vitest";
import { serverOptions } from "./server-options.ts";
import { protocolNames, type ProtocolName } from "./setting.ts";
import { table } from "./table.ts";
import { resolved } from "../testing/test-settings.ts";

const makers = { http, fastcgi, scgi, uwsgi };

/** Where each server has the defaults of its options. */
const sources: Readonly<Record<ProtocolName, readonly string[]>> = {
  http: ["server/src/limits.ts", "server/src/options.ts", "sockets/src/settings.ts"],
  fastcgi: ["fastcgi/src/options.ts", "sockets/src/cgi-server-options.ts", "sockets/src/settings.ts"],
  scgi: ["sockets/src/cgi-server-options.ts", "sockets/src/settings.ts"],
  uwsgi: ["sockets/src/cgi-server-options.ts", "sockets/src/settings.ts"],
};

/** The options of a server that are numbers, with their defaults, as its source has them. */
function numbersOf(protocol: ProtocolName): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const path of sources[protocol]) {
    const text = readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
    for (const [, body = ""] of text.matchAll(/^(?:export )?const \w*[dD]efault\w*: [^=]+ = \{\n(.*?)^\};/gms)) {
      for (const [, name = "", value = ""] of body.matchAll(/^ {2}(\w+): ([0-9_.* ]+|Infinity),$/gm)) {
        numbers[name] = value.split("*").reduce((product, factor) => product * Number(factor.replaceAll("_", "")), 1);
      }
    }
  }
  return numbers;
}

describe("serverOptions", () => {
  it.each(protocolNames)("has every limit of %s, with the default it has there, but two", async (protocol) => {
    const { settings } = await resolved(["--protocol", protocol, "app"]);
    const numbers = numbersOf(protocol);
    expect(Object.keys(numbers).length).toBeGreaterThan(10);
    // The two that are others here: as many connections as there are is no limit, and slow readers are cut off like other slow clients.
    expect(numbers).toMatchObject({ maxConnections: Infinity, writeStallSeconds: 60 });

    expect(serverOptions(settings)).toMatchObject({ ...numbers, maxConnections: 10_000, writeStallSeconds: 10 });
  });

  it.each(protocolNames)(
    "gives each limit of %s under a name that its server knows, with the value that was given",
    async (protocol) => {
      const known = new Set([...Object.keys(numbersOf(protocol)), "serverHeader"]);
      for (const { name, flag = name, option = name, part, kind, protocols } of table.values()) {
        if (part !== "limits" || protocols?.includes(protocol) === false) continue;
        const text = kind.placeholder === "TEXT" ? "other" : "7";
        const { settings } = await resolved(["--protocol", protocol, `--${flag}`, text, "app"]);
        expect([name, known.has(option), serverOptions(settings)[option]]).toEqual([name, true, text === "7" ? 7 : text]);
      }
    },
  );

  it.each(protocolNames)("gives what makeServer of %s takes", async (protocol) => {
    const { settings } = await resolved(["--protocol", protocol, "app"]);
    expect(() => makers[protocol]("127.0.0.1", 0, () => [], serverOptions(settings))).not.toThrow();
  });

  it.each(["fastcgi", "scgi", "uwsgi"] as const)("gives %s what a front server makes of it", async (protocol) => {
    const { settings } = await resolved(["--protocol", protocol, "-w", "2", "--mount", "/a", "--allowed-address", "::1", "app"]);
    const options = serverOptions(settings);

    expect(options).toMatchObject({ multiprocess: true, mounts: ["/a"], allowedAddresses: ["::1"] });
    expect(() => makers[protocol]("127.0.0.1", 0, () => [], options)).not.toThrow();
  });

  it("leaves out lists that nobody gave: a server has its own default", async () => {
    const { settings } = await resolved("--protocol fastcgi --multiplex app");
    expect(serverOptions(settings)).not.toHaveProperty("mounts");
    expect(serverOptions(settings)).not.toHaveProperty("allowedAddresses");
    expect(serverOptions(settings)).toMatchObject({ multiplex: true, multiprocess: false });
  });

  it("hands on what was set", async () => {
    const { settings } = await resolved(
      "--header-seconds 3 --graceful-timeout 4 --worker-connections 5 --backlog 6 --no-server-header app",
    );
    expect(serverOptions(settings)).toMatchObject({
      headerSeconds: 3,
      shutdownSeconds: 4,
      maxConnections: 5,
      backlog: 6,
      serverHeader: "",
    });
  });
});
