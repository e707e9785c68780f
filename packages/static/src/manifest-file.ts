import { closeSync } from "node:fs";
import { isSameVersion, stampOf, type FileStamp } from "./file-stamp.ts";
import { manifestName, manifestPath, parseManifest, type FileRecord, type Manifest } from "./manifest.ts";
import { readWhole } from "./read-whole.ts";
import { believedMilliseconds, type RootFolder } from "./root-folder.ts";

const maxManifestBytes = 256 * 1024 * 1024;

/** The manifest in the root, read again when it has changed. One that cannot be read then leaves the last one in force. */
export class ManifestFile {
  readonly #root: RootFolder;
  readonly #changed: () => void;
  #manifest: Manifest | undefined = undefined;
  #stamp: FileStamp | undefined = undefined;
  #lookedAt = -Infinity;

  /**
   * @param changed called when another manifest is in force.
   * @throws {TypeError} for a manifest that cannot be read, or is not there where it is required.
   */
  constructor(root: RootFolder, caller: string, isRequired: boolean, now: number, changed: () => void) {
    this.#root = root;
    this.#changed = changed;
    try {
      this.#read(now);
    } catch (error) {
      throw new TypeError(`${caller}: ${manifestName}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
    if (isRequired && this.#manifest === undefined)
      throw new TypeError(`${caller}: there is no ${manifestName} in the root: run gateway-static first`);
  }

  /** What the manifest says of a file, if anything. */
  record(path: string, now: number): FileRecord | undefined {
    if (now - this.#lookedAt >= believedMilliseconds || now < this.#lookedAt) this.#readAgain(now);
    const files = this.#manifest?.files;
    return files !== undefined && Object.hasOwn(files, path) ? files[path] : undefined;
  }

  #readAgain(now: number): void {
    const before = this.#manifest;
    try {
      this.#read(now);
    } catch {
      // Half written, say. What it says is checked against the files anyway, so an old one does no harm.
    }
    if (this.#manifest !== before) this.#changed();
  }

  #read(now: number): void {
    this.#lookedAt = now;
    const stats = this.#root.look(manifestPath, now);
    if (stats === undefined) {
      this.#manifest = undefined;
      this.#stamp = undefined;
      return;
    }
    if (this.#stamp !== undefined && isSameVersion(stampOf(stats), this.#stamp)) return;
    const file = this.#root.open(manifestPath, now);
    if (file === undefined) return;
    try {
      const whole = readWhole(file, maxManifestBytes, () => false);
      if (whole?.bytes === undefined) throw new TypeError("it is too large, or was written to while it was read");
      this.#manifest = parseManifest(whole.bytes.toString("utf8"));
      this.#stamp = whole.stamp;
    } finally {
      closeSync(file.descriptor);
    }
  }
}
