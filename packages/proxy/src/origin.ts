/** A server that requests are handed on to. */
export interface Origin {
  readonly tls: boolean;
  readonly connect: { readonly host: string; readonly port: number } | { readonly path: string };
  /** What the server is called, as in a Host header. */
  readonly authority: string;
  /** What stands before each path: `""`, or a path without a slash at its end. */
  readonly prefix: string;
}

/**
 * Reads the origin of a back end: `http://127.0.0.1:8000`, `https://app.example`, `http://app.example/base`, or `unix:/run/app.sock`.
 *
 * @throws {TypeError} for what is none of these, or has a user, a query or a fragment.
 */
export function parseOrigin(text: string): Origin {
  if (typeof text !== "string") throw new TypeError('an origin is a string like "http://127.0.0.1:8000"');
  if (text.startsWith("unix:")) {
    const path = text.slice(5);
    if (!path.startsWith("/") || path.includes("\0")) throw new TypeError("unix: is followed by the absolute path of a socket");
    return { tls: false, connect: { path }, authority: "localhost", prefix: "" };
  }
  const parts = /^(https?):\/\/((?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?)(\/[\x21\x22\x24-\x3e\x40-\x7e]*)?$/i.exec(
    text,
  );
  const [, scheme = "", authority = "", path = ""] = parts ?? [];
  if (parts === null || !URL.canParse(text))
    throw new TypeError(
      `an origin is "http://host:port", with https and a path where need be, or "unix:/path", not ${shown(text)}`,
    );
  const tls = scheme.toLowerCase() === "https";
  const [, name = "", port = ""] = /^(.*?)(?::([0-9]+))?$/.exec(authority) ?? [];
  const host = name.startsWith("[") ? name.slice(1, -1) : name;
  const number = port === "" ? (tls ? 443 : 80) : Number(port);
  if (number === 0) throw new TypeError("the port of an origin is a number from 1");
  return { tls, connect: { host, port: number }, authority, prefix: withoutSlash(path) };
}

function withoutSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/** A user in it would be a secret. */
function shown(text: string): string {
  return text.includes("@") ? "one with a user" : JSON.stringify(text);
}
