/** What becomes of a variable of a front server. */
export const Kind = {
  /** Handed on as it is. */
  plain: 0,
  /** Left out: no name of a variable, or one of ours, or one that is sent beside another of the same meaning. */
  ignored: 1,
  /** Checked, and joined with others of its name. */
  header: 2,
  // The last of its name counts, and is read.
  host: 3,
  method: 4,
  scriptName: 5,
  pathInfo: 6,
  query: 7,
  contentType: 8,
  contentLength: 9,
  serverName: 10,
  serverPort: 11,
  protocol: 12,
  target: 13,
  remotePort: 14,
  https: 15,
  scheme: 16,
} as const;

const special: Readonly<Record<string, number>> = {
  HTTP_HOST: Kind.host,
  REQUEST_METHOD: Kind.method,
  SCRIPT_NAME: Kind.scriptName,
  PATH_INFO: Kind.pathInfo,
  QUERY_STRING: Kind.query,
  CONTENT_TYPE: Kind.contentType,
  CONTENT_LENGTH: Kind.contentLength,
  SERVER_NAME: Kind.serverName,
  SERVER_PORT: Kind.serverPort,
  SERVER_PROTOCOL: Kind.protocol,
  REQUEST_URI: Kind.target,
  REMOTE_PORT: Kind.remotePort,
  HTTPS: Kind.https,
  REQUEST_SCHEME: Kind.scheme,
};

/** Sent by some fronts beside the variables without the prefix; and `Proxy`, which programs take for a setting of theirs (httpoxy). */
const dropped: ReadonlySet<string> = new Set(["HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_PROXY"]);

// Bounded, because clients choose the names of headers.
const known = new Map<string, number>();
const maxKnown = 1024;
const maxKnownLength = 64;

/** One of {@link Kind}. */
export function kindOf(name: string): number {
  return known.get(name) ?? learn(name);
}

function learn(name: string): number {
  const kind = classify(name);
  // A copy: the name may be a slice of all that came with it.
  if (known.size < maxKnown && name.length <= maxKnownLength && kind !== Kind.ignored) known.set(Array.from(name).join(""), kind);
  return kind;
}

function classify(name: string): number {
  if (Object.hasOwn(special, name)) return special[name] ?? Kind.ignored;
  if (name.startsWith("HTTP_"))
    return !dropped.has(name) && /^HTTP_[A-Z0-9_!#$%&'*+^`|~]+$/.test(name) ? Kind.header : Kind.ignored;
  // Names with a dot are for the keys of WSGI and its extensions; front servers also send such as `proxy-fcgi-pathinfo`.
  return name !== "__proto__" && /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? Kind.plain : Kind.ignored;
}
