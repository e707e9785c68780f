import { createHash } from "node:crypto";
import type { Coding } from "./accept-encoding.ts";

/** The name of the manifest, in the root. Never served. */
export const manifestName = ".gateway-static.json";

/** Where that is, below the root. */
export const manifestPath: string = `/${manifestName}`;

/** Some bytes, by what they are. */
export interface ContentRecord {
  /** Of the content: see {@link contentHash}. */
  readonly hash: string;
  readonly size: number;
}

/** What a manifest knows of one file. */
export interface FileRecord extends ContentRecord {
  /** Its compressed siblings. */
  readonly siblings: Partial<Readonly<Record<Coding, ContentRecord>>>;
}

/** What the files below a root were when the manifest was written, by path: `"/app.js"`. */
export interface Manifest {
  readonly version: 1;
  readonly files: Readonly<Record<string, FileRecord>>;
}

/** 128 bits of SHA-256: the same on every machine, and fit for an entity tag. */
export function contentHash(bytes: Uint8Array): string {
  return shortened(createHash("sha256").update(bytes).digest());
}

/** @param digest of SHA-256. */
export function shortened(digest: Uint8Array): string {
  return Buffer.from(digest.subarray(0, 16)).toString("base64url");
}

/**
 * Reads a manifest.
 *
 * @throws {TypeError} for what is none; the message says where.
 */
export function parseManifest(text: string): Manifest {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    throw new TypeError("the manifest is no JSON", { cause: error });
  }
  if (!isRecord(given) || given["version"] !== 1 || !isRecord(given["files"]))
    throw new TypeError("the manifest is none of version 1: write it again with gateway-static");
  for (const [path, file] of Object.entries(given["files"])) {
    const siblings = isRecord(file) ? file["siblings"] : undefined;
    if (!isContent(file) || !isRecord(siblings) || !Object.values(siblings).every(isContent))
      throw new TypeError(`the manifest has no hash, size and siblings for ${path}: write it again with gateway-static`);
  }
  return given as unknown as Manifest;
}

/** The text of a manifest: the same for the same files, in whatever order they were found. */
export function formatManifest(files: ReadonlyMap<string, FileRecord>): string {
  const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1));
  // Object.fromEntries would move names such as "1" to the front, but every path begins with a slash.
  return `${JSON.stringify({ version: 1, files: Object.fromEntries(sorted) }, null, 1)}\n`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isContent(value: unknown): boolean {
  return (
    isRecord(value) && typeof value["hash"] === "string" && /^[\w-]{22}$/.test(value["hash"]) && Number.isSafeInteger(value["size"])
  );
}
