import { readFileSync } from "node:fs";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";

/** What the files of TLS hold. */
export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string | undefined;
}

/**
 * Reads the files of TLS: with the rights of the manager, and anew for each reload.
 *
 * @throws {StartError} when one cannot be read.
 */
export function readTlsFiles({ tlsKey, tlsCert, tlsCa }: Pick<Settings, "tlsKey" | "tlsCert" | "tlsCa">): TlsFiles | undefined {
  if (tlsKey === undefined || tlsCert === undefined) return undefined;
  return { key: read(tlsKey), cert: read(tlsCert), ca: tlsCa === undefined ? undefined : read(tlsCa) };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new StartError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
