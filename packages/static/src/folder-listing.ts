import { closeSync, constants, existsSync, openSync, opendirSync, readlinkSync } from "node:fs";
import { sep } from "node:path";
import { encodePath, type Environ, type ResponseBody, type StartResponse } from "@gateway/core";
import { noFileOr, type RootFolder } from "./root-folder.ts";

/** What a listing shows of one file or folder. */
export interface ListedEntry {
  readonly name: string;
  readonly kind: "file" | "folder";
  /** Bytes; 0 for a folder. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** So many entries are shown. To read the folder and look at each stops the loop for some milliseconds. */
const maxListed = 1000;

/** What there is in a folder, folders first. */
export interface Listing {
  readonly entries: readonly ListedEntry[];
  /** There is more than is listed. */
  readonly isCut: boolean;
}

/**
 * Lists a folder below the root.
 *
 * @param path with slashes at both ends.
 * @param isShown is told the path of each entry: dotfiles stay hidden.
 * @returns `undefined` where there is no such folder inside the root.
 */
export function listFolder(root: RootFolder, path: string, isShown: (path: string) => boolean, now: number): Listing | undefined {
  const names = readNames(root, path, now);
  if (names === undefined) return undefined;
  const shown = names.filter((name) => isShown(path + name)).toSorted((a, b) => (a < b ? -1 : 1));
  const entries: ListedEntry[] = [];
  for (const name of shown.slice(0, maxListed)) {
    // What a link leads to is looked at only where it lies inside.
    const stats = root.isInside(path + name, now) ? root.look(path + name, now) : undefined;
    if (stats === undefined || !(stats.isFile() || stats.isDirectory())) continue;
    const kind = stats.isFile() ? "file" : "folder";
    entries.push({ name, kind, size: kind === "file" ? Number(stats.size) : 0, modified: Number(stats.mtimeNs / 1_000_000n) });
  }
  const folders = entries.filter(({ kind }) => kind === "folder");
  return { entries: [...folders, ...entries.filter(({ kind }) => kind === "file")], isCut: shown.length > maxListed };
}

const descriptorFolder = existsSync("/proc/self/fd") ? "/proc/self/fd" : undefined;
const maxRead = 10 * maxListed;

/** The names in a folder, by its descriptor where the system can do that: nothing can be put in its place then. */
function readNames(root: RootFolder, path: string, now: number): string[] | undefined {
  const real = root.folder(path, now);
  if (real === undefined) return undefined;
  if (descriptorFolder === undefined) return namesIn(real);
  let descriptor: number;
  try {
    descriptor = openSync(real, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
  } catch (error) {
    return noFileOr(error);
  }
  try {
    const opened = `${descriptorFolder}/${descriptor}`;
    return `${readlinkSync(opened)}${sep}`.startsWith(root.path(now) + sep) ? namesIn(opened + sep) : undefined;
  } finally {
    closeSync(descriptor);
  }
}

function namesIn(folder: string): string[] | undefined {
  try {
    const names: string[] = [];
    const open = opendirSync(folder);
    try {
      for (let entry = open.readSync(); entry !== null && names.length < maxRead; entry = open.readSync()) names.push(entry.name);
    } finally {
      open.closeSync();
    }
    return names;
  } catch (error) {
    return noFileOr(error);
  }
}

/** Answers with a page, or with JSON for a client that asks for that and not for a page. */
export function answerListing(environ: Environ, startResponse: StartResponse, listing: Listing): ResponseBody {
  const accept = environ.HTTP_ACCEPT ?? "";
  const isJson = accept.includes("application/json") && !accept.includes("text/html");
  const path = environ.SCRIPT_NAME + environ.PATH_INFO;
  const body = Buffer.from(isJson ? listingJson(listing) : listingPage(path, listing));
  startResponse("200 OK", [
    ["Content-Type", isJson ? "application/json; charset=utf-8" : "text/html; charset=utf-8"],
    ["Cache-Control", "no-cache"],
    ["Vary", "Accept"],
    ["Content-Security-Policy", "default-src 'none'"],
    ["X-Content-Type-Options", "nosniff"],
    ["Content-Length", `${body.length}`],
  ]);
  return environ.REQUEST_METHOD === "HEAD" ? [] : [body];
}

function listingJson({ entries, isCut }: Listing): string {
  const shown = entries.map(({ modified, ...entry }) => ({ ...entry, modified: new Date(modified).toISOString() }));
  return JSON.stringify({ entries: shown, isCut });
}

function listingPage(path: string, { entries, isCut }: Listing): string {
  const rows = entries.map(({ name, kind, size, modified }) => {
    const shown = kind === "folder" ? `${name}/` : name;
    // The dot keeps a name with a colon from being read as a scheme.
    const link = `./${encodePath(shown)}`;
    const date = new Date(modified).toISOString().replace("T", " ").slice(0, 16);
    return `<tr><td><a href="${escapeHtml(link)}">${escapeHtml(shown)}</a><td>${kind === "file" ? size : ""}<td>${date}\n`;
  });
  const up = path === "/" ? "" : '<p><a href="../">../</a>\n';
  const cut = isCut ? `<p>Only the first ${maxListed} entries are shown.\n` : "";
  return (
    `<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>${escapeHtml(path)}</title>\n<h1>${escapeHtml(path)}</h1>\n` +
    `${up}<table><tr><th>Name<th>Bytes<th>Modified (UTC)\n${rows.join("")}</table>\n${cut}</html>\n`
  );
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
