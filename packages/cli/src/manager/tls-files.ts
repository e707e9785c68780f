import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { Settings } from "../settings/settings.ts";
import { StartError } from "../start-error.ts";

/** What the files of TLS hold. */
export interface TlsFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string | undefined;
}

/**
 * Reads the files of TLS: with the rights of the manager, and anew for each reload. What they hold is usable together: a server that is
 * given a key of another kind than its certificate starts, and fails every handshake.
 *
 * @throws {StartError} when one cannot be read, or does not hold what it should; the message names the setting and the file.
 */
export function readTlsFiles({ tlsKey, tlsCert, tlsCa }: Pick<Settings, "tlsKey" | "tlsCert" | "tlsCa">): TlsFiles | undefined {
  if (tlsKey === undefined || tlsCert === undefined) return undefined;
  const files = { key: read(tlsKey), cert: read(tlsCert), ca: tlsCa === undefined ? undefined : read(tlsCa) };
  const certificate = certificateIn(files.cert, `--tls-cert ${tlsCert}`);
  if (!certificate.checkPrivateKey(keyIn(files.key, tlsKey))) {
    throw new StartError(`the key of --tls-key ${tlsKey} does not belong to the (first) certificate of --tls-cert ${tlsCert}`);
  }
  if (files.ca !== undefined) certificateIn(files.ca, `--tls-ca ${tlsCa}`);
  try {
    createSecureContext(files);
  } catch (error) {
    throw new StartError(`--tls-key ${tlsKey} and --tls-cert ${tlsCert} cannot be used: ${messageOf(error)}`);
  }
  return files;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new StartError(`cannot read ${path}: ${messageOf(error)}`);
  }
}

function certificateIn(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new StartError(`${file} does not begin with a certificate in PEM (-----BEGIN CERTIFICATE-----): ${messageOf(error)}`);
  }
}

function keyIn(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (error) {
    // Which error that is depends on the runtime.
    if (pem.includes("ENCRYPTED")) {
      throw new StartError(
        `the key of --tls-key ${file} is encrypted: give it without a passphrase, in a file that only the parent may read`,
      );
    }
    throw new StartError(`--tls-key ${file} holds no private key in PEM: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
