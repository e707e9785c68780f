import { checkOptionNames, layer, rawPath, type Environ, type Middleware } from "@gateway/core";
import { parseForwarded } from "./forwarded-header.ts";
import { parseHost, type Host } from "./host.ts";
import { isPort, parseSender, type Sender } from "./ip-address.ts";
import { parsePrefix } from "./prefix.ts";
import { compileTrust, type Trust } from "./trust.ts";
import { entryOf, findSender } from "./x-forwarded.ts";

/** A header by which proxies say what they saw. */
export type ForwardingHeader =
  | "Forwarded"
  | "X-Forwarded-For"
  | "X-Forwarded-Proto"
  | "X-Forwarded-Host"
  | "X-Forwarded-Port"
  | "X-Forwarded-Prefix"
  | "X-Real-IP";

/** Settings of {@link forwarded}. */
export interface ForwardedOptions {
  /**
   * Who is believed (default `[]`: nobody): addresses and networks (`"10.0.0.0/8"`, `"::1"`) and `"unix"` for a peer on a Unix socket; or
   * how many proxies stand in front of this server, whoever they are.
   */
  readonly trust?: readonly string[] | number;
  /**
   * The headers that every trusted proxy sets or appends to (default `["X-Forwarded-For", "X-Forwarded-Proto"]`). One that a proxy does
   * not touch is the client's own. `Forwarded` stands for itself, with `X-Forwarded-Prefix` at most.
   */
  readonly headers?: readonly ForwardingHeader[];
}

/** What {@link forwarded} did to a request. */
export interface ForwardedRequest {
  /** Whether the peer is trusted. */
  readonly isTrusted: boolean;
  /** Who the client is, as the proxies say: an address, or what `Forwarded` has instead, `"unknown"` or `"_hidden"`. */
  readonly client: string | undefined;
  /** The keys of environ that were changed or removed, as they were. */
  readonly original: Readonly<Partial<Environ>>;
}

/** What {@link forwarded} adds to environ. */
export interface ForwardedEnviron {
  /** Absent where no such header came: then nothing was changed. */
  "gateway.forwarded"?: ForwardedRequest | undefined;
}

/** Every header of that kind: those not read are removed, since somebody further in might believe them. */
const keys = [
  "HTTP_FORWARDED",
  "HTTP_X_FORWARDED_FOR",
  "HTTP_X_FORWARDED_PROTO",
  "HTTP_X_FORWARDED_HOST",
  "HTTP_X_FORWARDED_PORT",
  "HTTP_X_FORWARDED_PREFIX",
  "HTTP_X_FORWARDED_SERVER",
  "HTTP_X_FORWARDED_SCHEME",
  "HTTP_X_FORWARDED_SSL",
  "HTTP_X_FORWARDED_BY",
  "HTTP_X_REAL_IP",
] as const;

/** Every option there is. */
const optionNames: Readonly<Record<keyof ForwardedOptions, true>> = { trust: true, headers: true };

const known: readonly ForwardingHeader[] = [
  "Forwarded",
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
  "X-Real-IP",
];

/**
 * Believes what trusted proxies say about the request they passed on, and nobody else: sets `REMOTE_ADDR`, `REMOTE_PORT`, `wsgi.url_scheme`,
 * `HTTPS`, `HTTP_HOST`, `SERVER_NAME`, `SERVER_PORT` and `SCRIPT_NAME` as the headers say that were named. Of addresses the right-most one
 * that is not trusted is the client.
 *
 * A header that is not believed (the peer is not trusted, the header was not named, its value is malformed) is removed. What
 * `X-Forwarded-For` and `Forwarded` hold beyond the client's own entry is cut off. `environ["gateway.forwarded"]` has all as it was.
 *
 * @throws {TypeError} while wrapping, for an entry of `trust` or `headers` that is none. @throws {RangeError} for a number of proxies that is none.
 */
export function forwarded(options: ForwardedOptions = {}): Middleware<ForwardedEnviron> {
  checkOptionNames("forwarded", options, optionNames);
  const { trust: given = [], headers = ["X-Forwarded-For", "X-Forwarded-Proto"] } = options;
  const trust = compileTrust(given);
  const reads = checkHeaders(headers);

  return layer<ForwardedEnviron>(
    (app) => (environ, startResponse) => {
      if (hasForwarding(environ)) environ["gateway.forwarded"] = believe(environ, trust, reads);
      return app(environ, startResponse);
    },
    ({ stated }) => {
      if (typeof given === "number" ? given > 0 : given.length > 0) stated.add("trusted proxy");
      return [];
    },
  );
}

function checkHeaders(headers: readonly ForwardingHeader[]): ReadonlySet<ForwardingHeader> {
  if (!Array.isArray(headers)) throw new TypeError("forwarded: headers is a list of header names");
  for (const name of headers as readonly unknown[]) {
    if (!known.some((header) => header === name)) {
      throw new TypeError(`forwarded: ${JSON.stringify(name)} in headers is none of ${known.join(", ")}`);
    }
  }
  const reads = new Set<ForwardingHeader>(headers as readonly ForwardingHeader[]);
  if (reads.has("Forwarded") && [...reads].some((name) => name !== "Forwarded" && name !== "X-Forwarded-Prefix")) {
    throw new TypeError(
      "forwarded: read Forwarded or the X- headers: a client could say by one what the proxies do not say by the other",
    );
  }
  if (reads.has("X-Real-IP") && reads.has("X-Forwarded-For")) {
    throw new TypeError("forwarded: read X-Real-IP or X-Forwarded-For: both tell the client's address");
  }
  return reads;
}

/** Written out: this is all that most requests cost. */
function hasForwarding(environ: Environ): boolean {
  return (
    environ.HTTP_X_FORWARDED_FOR !== undefined ||
    environ.HTTP_FORWARDED !== undefined ||
    environ.HTTP_X_FORWARDED_PROTO !== undefined ||
    environ.HTTP_X_REAL_IP !== undefined ||
    environ.HTTP_X_FORWARDED_HOST !== undefined ||
    environ.HTTP_X_FORWARDED_PORT !== undefined ||
    environ.HTTP_X_FORWARDED_PREFIX !== undefined ||
    environ.HTTP_X_FORWARDED_SERVER !== undefined ||
    environ.HTTP_X_FORWARDED_SCHEME !== undefined ||
    environ.HTTP_X_FORWARDED_SSL !== undefined ||
    environ.HTTP_X_FORWARDED_BY !== undefined
  );
}

/** What the headers tell, those that are believed. */
interface Told {
  /** An address; a text where the proxy hides it. */
  sender?: Sender | string | undefined;
  scheme?: "http" | "https" | undefined;
  host?: Host | undefined;
  port?: string | undefined;
}

/** Changes environ, and says what was changed. */
function believe(environ: Environ, trust: Trust, reads: ReadonlySet<ForwardingHeader>): ForwardedRequest {
  const original: Partial<Environ> = {};
  const values: Partial<Record<(typeof keys)[number], string>> = {};
  for (const key of keys) {
    const value = environ[key];
    if (value === undefined) continue;
    original[key] = value;
    values[key] = value;
    environ[key] = undefined;
  }
  if (!trust.isTrusted(environ.REMOTE_ADDR, 0)) return { isTrusted: false, client: undefined, original };
  const change = <K extends keyof Environ>(key: K, value: Environ[K]): void => {
    original[key] = environ[key];
    environ[key] = value;
  };

  const told: Told = {};
  const hops = reads.has("Forwarded")
    ? readForwarded(values.HTTP_FORWARDED, trust, told, environ)
    : readXForwarded(values, trust, reads, told, environ);
  const { sender, scheme, host, port } = told;
  if (sender !== undefined) {
    // An address that is hidden is not known: absent, which no list of addresses has.
    change("REMOTE_ADDR", typeof sender === "string" ? undefined : sender.address);
    change("REMOTE_PORT", typeof sender === "string" ? undefined : sender.port);
  }
  if (scheme !== undefined) {
    change("wsgi.url_scheme", scheme);
    change("HTTPS", scheme === "https" ? "on" : undefined);
  }
  if (host !== undefined || port !== undefined) setHost(environ, host, port, change);
  const prefix = reads.has("X-Forwarded-Prefix") ? values.HTTP_X_FORWARDED_PREFIX : undefined;
  if (prefix !== undefined) setPrefix(environ, entryOf(prefix, hops), change);
  return { isTrusted: true, client: typeof sender === "object" ? sender.address : sender, original };
}

/** @returns how many proxies are believed. */
function readForwarded(value: string | undefined, trust: Trust, told: Told, environ: Environ): number {
  const elements = value === undefined ? undefined : parseForwarded(value);
  if (value === undefined || elements === undefined) return 1;
  let i = elements.length - 1;
  let element = elements[i];
  // What stands left of the element of the client was written by strangers.
  while (i > 0 && typeof element?.sender === "object" && trust.isTrusted(element.sender.address, elements.length - i))
    element = elements[--i];
  if (element === undefined) return 1;
  told.sender = element.sender;
  told.scheme = schemeOf(element.proto);
  told.host = element.host;
  environ.HTTP_FORWARDED = value.slice(element.start);
  return elements.length - i;
}

function readXForwarded(
  values: Partial<Record<(typeof keys)[number], string>>,
  trust: Trust,
  reads: ReadonlySet<ForwardingHeader>,
  told: Told,
  environ: Environ,
): number {
  let hops = 1;
  const addresses = reads.has("X-Forwarded-For") ? values.HTTP_X_FORWARDED_FOR : undefined;
  const found = addresses === undefined ? undefined : findSender(addresses, trust);
  if (addresses !== undefined && found !== undefined) {
    told.sender = found.sender;
    hops = found.hops;
    environ.HTTP_X_FORWARDED_FOR = addresses.slice(found.start).trimStart();
  }
  const address = reads.has("X-Real-IP") ? values.HTTP_X_REAL_IP : undefined;
  if (address !== undefined) {
    told.sender = parseSender(address, true);
    if (told.sender !== undefined) environ.HTTP_X_REAL_IP = address;
  }
  const proto = reads.has("X-Forwarded-Proto") ? values.HTTP_X_FORWARDED_PROTO : undefined;
  if (proto !== undefined) {
    told.scheme = schemeOf(entryOf(proto, hops).toLowerCase());
    environ.HTTP_X_FORWARDED_PROTO = told.scheme;
  }
  const host = reads.has("X-Forwarded-Host") ? values.HTTP_X_FORWARDED_HOST : undefined;
  if (host !== undefined) {
    const entry = entryOf(host, hops);
    told.host = parseHost(entry);
    if (told.host !== undefined) environ.HTTP_X_FORWARDED_HOST = entry;
  }
  const port = reads.has("X-Forwarded-Port") ? values.HTTP_X_FORWARDED_PORT : undefined;
  if (port !== undefined) {
    const entry = entryOf(port, hops);
    if (isPort(entry)) environ.HTTP_X_FORWARDED_PORT = told.port = entry;
  }
  return hops;
}

function schemeOf(proto: string | undefined): "http" | "https" | undefined {
  return proto === "http" || proto === "https" ? proto : undefined;
}

type Change = <K extends keyof Environ>(key: K, value: Environ[K]) => void;

function setHost(environ: Environ, told: Host | undefined, toldPort: string | undefined, change: Change): void {
  const defaultPort = environ["wsgi.url_scheme"] === "https" ? "443" : "80";
  const host = told ?? parseHost(environ.HTTP_HOST ?? "");
  const port = toldPort ?? host?.port ?? defaultPort;
  // Without a host there is only the port to be set.
  if (host !== undefined) change("HTTP_HOST", port === defaultPort ? host.name : `${host.name}:${port}`);
  if (told !== undefined) change("SERVER_NAME", told.name);
  change("SERVER_PORT", port);
}

/** The proxy took the prefix off: puts it back, into the target as well, so that this still decodes to the whole path. */
function setPrefix(environ: Environ, text: string, change: Change): void {
  const prefix = parsePrefix(text);
  if (prefix === undefined) return;
  environ.HTTP_X_FORWARDED_PREFIX = text;
  if (prefix.decoded === "" || environ.PATH_INFO === "*") return;
  const raw = rawPath(environ);
  change("SCRIPT_NAME", prefix.decoded + environ.SCRIPT_NAME);
  if (raw?.startsWith("/") !== true) return;
  const query = environ.REQUEST_URI?.indexOf("?") ?? -1;
  change("REQUEST_URI", prefix.raw + raw + (query === -1 ? "" : (environ.REQUEST_URI?.slice(query) ?? "")));
}
