import type { Host } from "./host.ts";
import { list, optional, Unfit } from "./kind.ts";
import { mode, whole } from "./number-kinds.ts";
import { fronted, http, protocolNames, type Environment, type Table } from "./setting.ts";
import type { Settings } from "./settings.ts";
import { bind, choice, mountPrefix, network, owner, path, text, toggle } from "./text-kinds.ts";

type Listening =
  | "target"
  | "bind"
  | "protocol"
  | "backlog"
  | "unixMode"
  | "unixOwner"
  | "tlsKey"
  | "tlsCert"
  | "tlsCa"
  | "mounts"
  | "allowedAddresses"
  | "multiplex";

/** What is served, where, and in which protocol. */
export const listeningSettings: Table<Pick<Settings, Listening>> = {
  target: {
    kind: text("MODULE[:EXPORT]", "MODULE, MODULE:EXPORT or MODULE:FACTORY()"),
    group: "Where it listens",
    help: "the application: MODULE[:EXPORT], or MODULE:FACTORY() for what a function makes",
    more: "On the command line it is the one word that is no flag. In the file, a path that begins with `./` or `../` is relative to the file; everything else is looked up as on the command line.",
    byDefault: "",
  },
  bind: {
    kind: list(bind()),
    group: "Where it listens",
    short: "b",
    help: "where to listen: HOST:PORT, :PORT for all interfaces, unix:PATH, or fd://N for a socket that was inherited; may be repeated",
    variables: [
      {
        name: "LISTEN_FDS",
        texts: inherited,
        meaning: "how many sockets systemd hands on, from descriptor 3, unless `LISTEN_PID` is another process",
      },
      {
        name: "PORT",
        texts: allInterfaces,
        meaning: "the port that a platform chose: it listens on all IPv4 interfaces",
      },
    ],
    byDefault: "127.0.0.1:8000",
  },
  protocol: {
    kind: choice("NAME", protocolNames),
    group: "Where it listens",
    help: `what to speak there: ${protocolNames.join(", ")}`,
    byDefault: "http",
  },
  backlog: {
    kind: whole("N", { from: 1, to: 65_535 }),
    group: "Where it listens",
    help: "how many connections may wait to be accepted; the system may take fewer",
    byDefault: "511",
  },
  unixMode: {
    kind: optional(mode()),
    group: "Where it listens",
    help: "the mode of the Unix sockets: who may connect to them",
    more: "Without it the umask decides. `660` lets the owner and the group connect.",
  },
  unixOwner: {
    kind: optional(owner()),
    group: "Where it listens",
    help: "who the Unix sockets belong to: user, user:group or :group",
  },
  tlsKey: {
    kind: optional(path("a PEM file")),
    group: "Where it listens",
    help: "a PEM file with the private key: serves TLS",
    protocols: http,
  },
  tlsCert: {
    kind: optional(path("a PEM file")),
    group: "Where it listens",
    help: "a PEM file with the certificate, and those that lead to its root",
    protocols: http,
  },
  tlsCa: {
    kind: optional(path("a PEM file")),
    group: "Where it listens",
    help: "a PEM file with the authorities that sign clients' certificates",
    protocols: http,
  },
  mounts: {
    kind: list(mountPrefix()),
    group: "Where it listens",
    flag: "mount",
    help: "a prefix at which SCRIPT_NAME and PATH_INFO are split, for front servers that cannot; may be repeated",
    protocols: fronted,
  },
  allowedAddresses: {
    kind: list(network()),
    group: "Where it listens",
    flag: "allowed-address",
    help: "a front server that may connect, by address or network; may be repeated",
    more: "Without it whoever can connect may. Unix sockets have modes instead. A FastCGI server that a front server starts also reads `FCGI_WEB_SERVER_ADDRS`.",
    protocols: fronted,
  },
  multiplex: {
    kind: toggle(),
    group: "Where it listens",
    help: "say that requests may be multiplexed on a connection (FCGI_MPXS_CONNS)",
    more: "They are served in any case; front servers that are told so begin to multiplex, and HAProxy 2.6 then loses some.",
    protocols: ["fastcgi"],
    byDefault: "false",
  },
};

/** Descriptors from 3 on (sd_listen_fds(3)); those meant for another process are not ours. A parent that hands its sockets on takes `LISTEN_PID` away. */
function inherited(value: string, environment: Environment, host: Host): readonly string[] | undefined {
  if ((environment["LISTEN_PID"] ?? String(host.pid)) !== String(host.pid)) return undefined;
  if (!/^[0-9]{1,3}$/.test(value)) throw new Unfit(value, "which is not a number of descriptors");
  return value === "0" ? undefined : Array.from({ length: Number(value) }, (_, i) => `fd://${i + 3}`);
}

/** Platforms that choose the port reach the process from outside. */
function allInterfaces(port: string): readonly string[] {
  if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) throw new Unfit(port, "which is not a port (0 to 65535)");
  return [`0.0.0.0:${port}`];
}
