import type { Bind } from "../bind.ts";
import type { Host } from "./host.ts";
import type { Declared, Settings } from "./settings.ts";
import type { Sources } from "./source.ts";
import { strayVariables } from "./stray-variables.ts";
import type { Environment } from "./setting.ts";
import { durationText } from "./units.ts";

/** All that a check may look at. */
export interface CheckedDeployment {
  readonly settings: Settings;
  readonly sources: Sources;
  readonly environment: Environment;
  readonly host: Pick<Host, "cpus" | "memoryBytes" | "isRoot">;
}

type Check = (deployment: Facts) => string | undefined | false;

interface Facts extends CheckedDeployment {
  readonly declared: Declared;
  /** Whether somebody set it. */
  readonly isGiven: (name: string) => boolean;
  /** A limit; `undefined` where the protocol has none of that name. */
  readonly limit: (name: string) => number | undefined;
}

/** What looks wrong in the settings themselves: one sentence each, which says what to do. Defaults alone give none. */
export function deploymentRemarks(deployment: CheckedDeployment): readonly string[] {
  const { settings, sources } = deployment;
  const facts: Facts = {
    ...deployment,
    declared: settings.declared ?? nothingDeclared,
    isGiven: (name) => sources[name] !== undefined && sources[name].kind !== "default",
    limit(name) {
      const value = settings.limits[name];
      return typeof value === "number" ? value : undefined;
    },
  };
  return checks.map((check) => check(facts)).filter((remark) => typeof remark === "string");
}

const nothingDeclared: Declared = {
  frontIdleSeconds: 60,
  terminationSeconds: 30,
  poolSize: 0,
  databaseConnections: 0,
  memoryState: [],
  secureCookies: false,
  trustsProxy: false,
};

const checks: readonly Check[] = [
  // In front.
  ({ settings, limit, declared: { frontIdleSeconds } }) => {
    const seconds = limit("keepAliveSeconds");
    return (
      seconds !== undefined &&
      seconds <= frontIdleSeconds &&
      `keepAliveSeconds is ${durationText(seconds)}, and load balancers use a connection again for ${durationText(frontIdleSeconds)}: a request that comes just as it is closed fails with 502. Make it ${durationText(frontIdleSeconds + 15)}${settings.protocol === "http" ? ", or say what yours does with frontIdleSeconds" : ""}.`
    );
  },
  ({ settings: { protocol, allowedAddresses = [], bind }, environment }) =>
    protocol !== "http" &&
    allowedAddresses.length === 0 &&
    // A FastCGI server takes these, which whoever starts it may set.
    (protocol !== "fastcgi" || (environment["FCGI_WEB_SERVER_ADDRS"] ?? "") === "") &&
    bind.some(isOpen) &&
    `whoever reaches ${bind.filter(isOpen).map(textOf).join(", ")} can claim to be the front server, with any REMOTE_USER and address: name the front servers with allowedAddresses, or use a Unix socket.`,
  ({ settings: { tlsKey, protocol }, declared: { secureCookies, trustsProxy } }) =>
    secureCookies &&
    !trustsProxy &&
    protocol === "http" &&
    tlsKey === undefined &&
    "the application sets Secure cookies, and every request looks like plain http to it: put forwarded({ trust }) of @gateway/forwarded outermost and say so with trustsProxy, or serve TLS.",
  ({ settings: { metricsBind } }) =>
    metricsBind !== undefined &&
    isOpen(metricsBind) &&
    `metrics are shown to whoever reaches ${metricsBind.text}: bind them to 127.0.0.1 or a private address, unless a firewall keeps others away.`,

  // Workers.
  ({ settings: { workers }, declared: { memoryState } }) =>
    workers > 1 &&
    memoryState.length > 0 &&
    `each of the ${workers} workers keeps its own ${memoryState.join(" and ")} in memory, and requests of one client go to all of them: use a store that they share, or one worker.`,
  ({ settings: { workers }, declared: { poolSize, databaseConnections } }) =>
    databaseConnections > 0 &&
    // While a reload replaces a worker there is one more.
    (workers + 1) * poolSize > databaseConnections &&
    `${workers} workers with ${poolSize} database connections each, and one more during a reload, are ${(workers + 1) * poolSize}, and the database takes ${databaseConnections}: make the pool ${Math.floor(databaseConnections / (workers + 1))} or smaller, or run fewer workers.`,
  ({ settings: { workers }, host: { cpus } }) =>
    workers > 2 * cpus + 1 &&
    `${workers} workers share ${cpus} ${cpus === 1 ? "CPU" : "CPUs"}: more than one for each only takes memory, unless they block. Write auto.`,
  ({ settings: { workers, maxMemory }, host: { memoryBytes } }) =>
    Math.max(1, workers) * maxMemory > memoryBytes &&
    `${workers} workers may use ${roundedSize(maxMemory)} each, and there are ${roundedSize(memoryBytes)} in all. Make it ${Math.floor(80 / Math.max(1, workers))}%.`,
  ({ settings: { workers, maxRequests, maxRequestsJitter } }) =>
    workers > 1 &&
    maxRequests > 0 &&
    maxRequestsJitter === 0 &&
    `all workers reach maxRequests at about the same time: add maxRequestsJitter, ${Math.ceil(maxRequests / 10)} for example.`,
  ({ settings: { timeout, workers } }) =>
    timeout === 0 && workers > 0 && "timeout is 0: a worker whose event loop is blocked for ever is never replaced. Write 30s.",
  ({ settings: { bootTimeout, workers } }) =>
    bootTimeout === 0 &&
    workers > 0 &&
    "bootTimeout is 0: a worker that hangs while it starts is never given up, and a reload never ends. Write 60s.",
  ({ settings: { workers }, isGiven }) => {
    const idle = ["spread", "maxRequests", "maxMemory", "timeout", "bootTimeout", "nodeOptions", "controlSocket", "reload"].filter(
      isGiven,
    );
    return (
      workers === 0 &&
      idle.length > 0 &&
      `with 0 workers nobody watches the process: ${idle.join(", ")} ${idle.length === 1 ? "has" : "have"} no effect.`
    );
  },

  // Stopping.
  ({ settings: { gracefulTimeout, drainDelay }, declared: { terminationSeconds } }) =>
    drainDelay + gracefulTimeout > terminationSeconds &&
    `a stop may take ${durationText(drainDelay + gracefulTimeout)} (drainDelay and gracefulTimeout), and whatever runs the command kills it after ${durationText(terminationSeconds)}: make it shorter, or raise that (Kubernetes: terminationGracePeriodSeconds) and say so with terminationSeconds.`,
  ({ settings: { gracefulTimeout }, limit }) => {
    const seconds = limit("requestSeconds") ?? 0;
    return (
      seconds > gracefulTimeout &&
      `requests may take ${durationText(seconds)}, and a stopping worker cuts them after ${durationText(gracefulTimeout)}: raise gracefulTimeout, or lower requestSeconds.`
    );
  },

  // Clients that take their time.
  ({ settings: { protocol }, limit }) => {
    const endless = [
      "silentSeconds",
      "headerSeconds",
      "writeStallSeconds",
      ...(protocol === "http" ? ["keepAliveSeconds"] : []),
    ].filter((name) => limit(name) === Infinity);
    return (
      endless.length > 0 &&
      `${endless.join(", ")} ${endless.length === 1 ? "is" : "are"} unlimited: a client that does nothing holds a connection for ever.`
    );
  },

  // Who may do what.
  ({ settings: { user, unixMode, bind }, host: { isRoot } }) =>
    isRoot &&
    user === undefined &&
    `the application runs as root: name a user with --user${bind.some(isUnix) && unixMode === undefined ? ", and the modes of the sockets" : ""}.`,
  ({ settings: { user, group, unixOwner }, host: { isRoot } }) =>
    !isRoot &&
    (user !== undefined || group !== undefined || unixOwner?.includes(":") === false) &&
    "only root may change users and owners: start it as root, or leave user, group and unixOwner out.",
  ({ settings: { bind, unixMode, umask } }) => {
    const sockets = bind.filter(isUnix).map(textOf).join(", ");
    if (sockets === "") return unixMode !== undefined && "unixMode has no effect: nothing is bound to a Unix socket.";
    if (unixMode === undefined) {
      return (
        umask === undefined &&
        `the umask decides who may connect to ${sockets}: write unixMode, 660 for the group of the front server.`
      );
    }
    return (
      (unixMode & 0o002) !== 0 &&
      `every user of this machine may connect to ${sockets} (mode ${unixMode.toString(8)}): write 660, and the group with unixOwner.`
    );
  },
  ({ settings: { controlSocket, controlSocketMode } }) =>
    controlSocket !== undefined &&
    (controlSocketMode & 0o022) !== 0 &&
    `others than its owner may stop the site over ${controlSocket === "auto" ? "its control socket" : controlSocket} (mode ${controlSocketMode.toString(8)}): write 600, unless that is meant.`,

  // What goes together.
  ({ settings: { reload, validate }, environment }) =>
    environment["NODE_ENV"] === "production" &&
    (reload || validate) &&
    `${[reload ? "reload" : "", validate ? "validate" : ""].filter(Boolean).join(" and ")} cost time and are for development, and NODE_ENV is production.`,
  ({ settings: { maxRequests, maxRequestsJitter } }) =>
    maxRequests === 0 && maxRequestsJitter > 0 && "maxRequestsJitter has no effect without maxRequests.",
  ({ settings: { reload, reloadExtra } }) => !reload && reloadExtra.length > 0 && "reloadExtra has no effect without reload.",
  ({ settings: { accessLog }, isGiven }) =>
    accessLog === undefined && isGiven("accessLogFormat") && "accessLogFormat has no effect without accessLog.",
  ({ settings: { controlSocket }, isGiven }) =>
    controlSocket === undefined && isGiven("controlSocketMode") && "controlSocketMode has no effect without controlSocket.",
  ({ settings: { metricsBind }, isGiven }) =>
    metricsBind === undefined &&
    (isGiven("livePath") || isGiven("readyPath")) &&
    "livePath and readyPath are served where the metrics are: write metricsBind.",
  ({ environment }) => {
    const stray = strayVariables(environment).filter((name) => !kubernetes.test(name));
    return (
      stray.length > 0 &&
      `no setting is called ${stray.join(", ")}: the environment has ${stray.length === 1 ? "it" : "them"}, and nothing is done with ${stray.length === 1 ? "it" : "them"} here.`
    );
  },
];

/** What Kubernetes sets for a service called `gateway`. */
const kubernetes = /^GATEWAY_(?:SERVICE_|PORT(?:$|_[0-9]))/;

/** Whether strangers may reach it. */
function isOpen({ host }: Bind): boolean {
  return !isUnix({ host }) && !host.startsWith("fd:") && !/^(?:127\.|localhost$|\[::1\]$)/.test(host);
}

function isUnix({ host }: Pick<Bind, "host">): boolean {
  return host.startsWith("unix:");
}

function textOf({ text }: Bind): string {
  return text;
}

function roundedSize(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)}GiB`;
}
