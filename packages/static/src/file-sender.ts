import { HTTPError, type Environ, type HeaderList, type ResponseBody, type StartResponse } from "@gateway/core";
import { answer } from "./answer.ts";
import { attachment } from "./attachment.ts";
import { FileStore } from "./file-store.ts";
import { checkFileOptions, checkNames, type FileOptions } from "./options.ts";
import { isServable } from "./request-path.ts";

/** How one file is sent by a {@link FileSender}. */
export interface SendOptions {
  /** Has the browser save it, under this name. */
  readonly download?: string;
  /** More headers for this response, its 304 left out; names that the file has already are not replaced. */
  readonly headers?: HeaderList;
}

/**
 * Answers a request with one file below the root. The path is decoded text, with slashes; it may come from a stranger.
 *
 * @throws {HTTPError} 404 where there is no such file, 405 for a method other than GET and HEAD.
 */
export type FileSender = (environ: Environ, startResponse: StartResponse, path: string, options?: SendOptions) => ResponseBody;

/**
 * For applications that choose themselves which file to send: downloads behind a login, say. The same rules as in `staticFiles`, for
 * validators, ranges, siblings, memory and links.
 *
 * @param root the absolute path of the folder, or its URL.
 * @throws {TypeError | RangeError} at once, for a root that is no folder and for options that make no sense.
 */
export function fileSender(root: string | URL, options: FileOptions = {}): FileSender {
  checkNames("fileSender", options, "file");
  const settings = checkFileOptions("fileSender", options);
  const store = new FileStore(root, settings);
  const onWindows = process.platform === "win32";
  return (environ, startResponse, path, { download, headers = [] } = {}) => {
    const { REQUEST_METHOD: method } = environ;
    if (method !== "GET" && method !== "HEAD")
      throw new HTTPError(405, "Only GET and HEAD are possible here.", { headers: [["Allow", "GET, HEAD"]] });
    const below = path.startsWith("/") ? path : `/${path}`;
    const now = settings.now();
    if (isServable(below, settings.dotfiles, onWindows) && !below.endsWith("/")) {
      const resource = store.get(below, now);
      const more: HeaderList = download === undefined ? headers : [["Content-Disposition", attachment(download)], ...headers];
      const body = resource && answer(store, resource, environ, startResponse, now, more);
      if (body !== undefined) return body;
    }
    throw new HTTPError(404, "There is no such file.");
  };
}
