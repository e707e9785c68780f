import { encodePath, type Environ, type ResponseBody, type StartResponse } from "@gateway/core";

/**
 * Where a folder is that was asked for without the slash at its end: the same path with it, and the same query. A path only, with one
 * slash in front, so that it never leads to another host, whatever stands in environ.
 */
export function folderLocation(environ: Pick<Environ, "SCRIPT_NAME" | "PATH_INFO" | "QUERY_STRING">): string {
  const path = encodePath(environ.SCRIPT_NAME + environ.PATH_INFO);
  let start = 0;
  while (path.charCodeAt(start) === 0x2f) start++;
  const query = environ.QUERY_STRING.replaceAll(
    /[^!-~]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
  return `/${path.slice(start)}/${query === "" ? "" : `?${query}`}`;
}

export function redirectToFolder(environ: Environ, startResponse: StartResponse): ResponseBody {
  // Not kept for ever: the folder may become a file.
  startResponse("301 Moved Permanently", [
    ["Location", folderLocation(environ)],
    ["Cache-Control", "no-cache"],
    ["Content-Length", "0"],
  ]);
  return [];
}
