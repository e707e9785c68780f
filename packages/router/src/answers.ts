import {
  encodePath,
  rawPath,
  statusLine,
  type Environ,
  type HeaderList,
  type ResponseBody,
  type StartResponse,
} from "@gateway/core";

/** Answers with a status and no more to say. Not thrown, so that layers outside see a response like any other. */
export function answer(startResponse: StartResponse, code: number, headers: HeaderList = []): ResponseBody {
  const status = statusLine(code);
  if (code === 204) {
    startResponse(status, headers);
    return [];
  }
  const text = Buffer.from(`${status}\n`);
  startResponse(status, [["Content-Type", "text/plain; charset=utf-8"], ["Content-Length", `${text.length}`], ...headers]);
  return [text];
}

/** The value of `Allow` (RFC 9110, section 10.2.1), in the order of the alphabet. */
export function allowValue(methods: ReadonlySet<string>, withOptions: boolean): string {
  return [...new Set([...methods, ...(withOptions ? ["OPTIONS"] : [])])].toSorted().join(", ");
}

/** The path with a slash more at its end, or one less. */
export function otherSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
}

/**
 * Where the same path is with the other ending: a path with its query, never a host. `undefined` where it would begin with `//`.
 */
export function otherSlashLocation(environ: Environ): string | undefined {
  const path = otherSlash(rawPath(environ) ?? encodePath(environ.SCRIPT_NAME + environ.PATH_INFO));
  if (!path.startsWith("/") || path.startsWith("//")) return undefined;
  return visible(environ.QUERY_STRING === "" ? path : `${path}?${environ.QUERY_STRING}`);
}

/** Percent-encodes what a client should not have sent as it is; browsers take a backslash for a slash. */
function visible(text: string): string {
  return text.replaceAll(/[^!-~]|\\/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}
