import { once } from "node:events";
import { connect } from "node:net";
import type { GatewayLoad, GatewayLoadResult } from "./gateways-load-process.ts";
import { conditions, Worker, type Usage } from "./processes.ts";
import { requests, type RequestSet } from "./requests.ts";
import { median } from "./statistics.ts";

interface Kind {
  readonly name: string;
  readonly server: "http" | "fastcgi";
  /** The bytes of requests, sent in turn. */
  readonly requests: readonly string[];
  /** For our client, in their place. */
  readonly variables?: readonly string[];
  /** How the answer ends. */
  readonly end: string;
}

interface Slice {
  readonly cpu: number;
  readonly perSecond: number;
}

const sets = ["one", "thirteen", "fresh"] as const;
const connections = 64;
const sliceMilliseconds = 700;
/** Slices of each in each run; the first warms up and is not counted. */
const rounds = 6;
/** New processes for each: how V8 compiles a program differs from one process to the next, and stays so. */
const runs = 3;

/**
 * Our FastCGI server beside our HTTP server, keep-alive, slice by slice: a request of HTTP, and what nginx makes of it for FastCGI. Ratios are
 * taken within a round; medians over the rounds of three runs.
 */
export async function gateways(): Promise<void> {
  console.log(conditions());
  for (const set of sets) {
    const http = requests(set);
    const records = http.map((request) => fastcgiRequest(nginxVariables(request)));
    const end = "\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0";
    const kinds: Kind[] = [
      { name: "HTTP", server: "http", requests: http, end: "\r\n\r\nHello, world!\n" },
      { name: "FastCGI", server: "fastcgi", requests: records, end },
      { name: "FastCGI, our client", server: "fastcgi", requests: records, variables: nginxVariables(http[0] ?? ""), end },
    ];
    const slices: Slice[][] = kinds.map(() => []);
    for (let run = 0; run < runs; run++) await measure(kinds, slices);
    print(set, kinds, slices);
  }
}

async function measure(kinds: readonly Kind[], slices: readonly Slice[][]): Promise<void> {
  const load = new Worker("./gateways-load-process.js", [], 1);
  const servers = {
    http: new Worker("./gateways-server-process.js", ["http"], 0),
    fastcgi: new Worker("./gateways-server-process.js", ["fastcgi"], 0),
  };
  try {
    const ports = {
      http: (await servers.http.message<{ port: number }>()).port,
      fastcgi: (await servers.fastcgi.message<{ port: number }>()).port,
    };
    const lengths: number[] = [];
    for (const { server, requests, end } of kinds) lengths.push(await answerLength(ports[server], requests[0] ?? "", end));
    for (let round = 0; round < rounds; round++) {
      for (const [i, { server, requests, variables }] of kinds.entries()) {
        const length = lengths[i] ?? 0;
        const order: GatewayLoad = {
          port: ports[server],
          connections,
          milliseconds: sliceMilliseconds,
          requests,
          variables,
          length,
        };
        await load.ask(order);
        const measured = load.message<GatewayLoadResult>();
        const before = await servers[server].ask<Usage>({});
        const result = await measured;
        const after = await servers[server].ask<Usage>({});
        if (round === 0) continue;
        slices[i]?.push({
          cpu: (after.cpuMicroseconds - before.cpuMicroseconds) / result.requests,
          perSecond: (result.requests * 1000) / sliceMilliseconds,
        });
      }
    }
  } finally {
    for (const worker of [load, servers.http, servers.fastcgi]) worker.stop();
  }
}

/** How long a whole answer is: the first one tells, all are alike. */
async function answerLength(port: number, request: string, end: string): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(request, "latin1");
  let received = "";
  while (!received.endsWith(end)) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    received += chunk.toString("latin1");
  }
  socket.destroy();
  return received.length;
}

function print(set: RequestSet, kinds: readonly Kind[], slices: readonly Slice[][]): void {
  const what = { one: "one request header", thirteen: "thirteen headers that repeat", fresh: "thirteen headers, fresh each time" }[
    set
  ];
  console.log(`\n${what}, ${connections} connections, keep-alive`);
  const [http = []] = slices;
  for (const [i, { name }] of kinds.entries()) {
    const of = slices[i] ?? [];
    const ratio = (pick: (slice: Slice) => number): string =>
      median(of.map((slice, at) => pick(slice) / (http[at] === undefined ? Number.NaN : pick(http[at])))).toFixed(2);
    const perSecond = median(of.map((slice) => slice.perSecond)).toFixed(0);
    const cpu = median(of.map((slice) => slice.cpu)).toFixed(2);
    const ratios = `to HTTP: requests/s ${ratio((slice) => slice.perSecond)}, CPU ${ratio((slice) => slice.cpu)}`;
    console.log(`${name.padEnd(20)} ${perSecond.padStart(7)} requests/s  CPU ${cpu.padStart(6)} µs/request  ${ratios}`);
  }
}

/** What nginx sends for a request, with the `fastcgi_params` of Debian and a path of its own. */
function nginxVariables(http: string): string[] {
  const variables = [
    "SCRIPT_NAME",
    "",
    "PATH_INFO",
    "/",
    "QUERY_STRING",
    "",
    "REQUEST_METHOD",
    "GET",
    "CONTENT_TYPE",
    "",
    "CONTENT_LENGTH",
    "",
  ];
  variables.push("REQUEST_URI", "/", "DOCUMENT_URI", "/", "DOCUMENT_ROOT", "/usr/share/nginx/html", "SERVER_PROTOCOL", "HTTP/1.1");
  variables.push(
    "REQUEST_SCHEME",
    "http",
    "GATEWAY_INTERFACE",
    "CGI/1.1",
    "SERVER_SOFTWARE",
    "nginx/1.22.1",
    "REMOTE_ADDR",
    "127.0.0.1",
  );
  variables.push(
    "REMOTE_PORT",
    "40000",
    "REMOTE_USER",
    "",
    "SERVER_ADDR",
    "127.0.0.1",
    "SERVER_PORT",
    "80",
    "SERVER_NAME",
    "localhost",
    "REDIRECT_STATUS",
    "200",
  );
  for (const line of http.split("\r\n").slice(1)) {
    const colon = line.indexOf(": ");
    if (colon !== -1) variables.push(`HTTP_${line.slice(0, colon).toUpperCase().replaceAll("-", "_")}`, line.slice(colon + 2));
  }
  return variables;
}

/** A request of FastCGI with `FCGI_KEEP_CONN`, padded to eight bytes as nginx does it. */
function fastcgiRequest(variables: readonly string[]): string {
  const length = (text: string): string =>
    text.length < 128 ? String.fromCharCode(text.length) : `\x80\0${String.fromCharCode(text.length >> 8, text.length & 0xff)}`;
  let params = "";
  for (let i = 0; i < variables.length; i += 2) {
    const [name = "", value = ""] = variables.slice(i, i + 2);
    params += length(name) + length(value) + name + value;
  }
  const padding = (8 - (params.length % 8)) % 8;
  const header = `\x01\x04\0\x01${String.fromCharCode(params.length >> 8, params.length & 0xff, padding, 0)}`;
  return `\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0${header}${params}${"\0".repeat(padding)}\x01\x04\0\x01\0\0\0\0\x01\x05\0\x01\0\0\0\0`;
}
