import { isHopByHop, type Environ } from "@gateway/core";
import { namedByConnection } from "@gateway/core/gateway";

/** Variables of headers that are not handed on: those of the connection or of the body, and what this side of the gateway has answered. */
const kept: ReadonlySet<string> = new Set([
  "HTTP_CONTENT_LENGTH",
  "HTTP_CONTENT_TYPE",
  "HTTP_EXPECT",
  "HTTP_HTTP2_SETTINGS",
  "HTTP_PROXY",
]);

/** Variables of the headers by which proxies say who asked them; `X-Forwarded-*` beside these. */
const forwarding: ReadonlySet<string> = new Set(["HTTP_FORWARDED", "HTTP_X_REAL_IP"]);

/** Is it a header by which a proxy, or somebody who would be taken for one, says whom it stands for? */
function isForwarding(key: string): boolean {
  return forwarding.has(key) || key.startsWith("HTTP_X_FORWARDED_");
}

/**
 * The headers of a request that go on to the next server, as keys and values of environ in turn: without what belongs to the connection, be
 * it registered or named by `Connection` (RFC 9110, section 7.6.1), and without `Expect`. `Host` is among them.
 *
 * @param forwarded whether the headers of proxies are kept: they say what the client likes, unless a layer has read them.
 */
export function endToEndHeaders(environ: Environ, forwarded: "drop" | "keep"): string[] {
  const named = namedBy(environ.HTTP_CONNECTION);
  const headers: string[] = [];
  for (const key of Object.keys(environ)) {
    if (!key.startsWith("HTTP_") || kept.has(key) || named.has(key)) continue;
    const value = environ[key as `HTTP_${string}`];
    if (value === undefined || isHopByHop(key.slice(5).replaceAll("_", "-"))) continue;
    if (forwarded === "drop" && isForwarding(key)) continue;
    headers.push(key, value);
  }
  return headers;
}

const nothing: ReadonlySet<string> = new Set();

function namedBy(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return nothing;
  return new Set(namedByConnection(connection).map((name) => `HTTP_${name.toUpperCase().replaceAll("-", "_")}`));
}
