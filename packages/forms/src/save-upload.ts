import { randomUUID } from "node:crypto";
import { constants, copyFile, link, open, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import type { Environ } from "@gateway/core";
import { errorText } from "@gateway/core/gateway";
import type { Part } from "./part.ts";

/** Settings of {@link saveUpload}. */
export interface UploadOptions {
  /** The folder that uploads are written to. It must exist; put it where nothing is served from. */
  readonly folder: string;
}

/** A file on disk that is removed when the response is over, unless it is kept. */
export interface Upload {
  /** Where it is: in the folder, under a random name. */
  readonly path: string;
  /** How many bytes it has. */
  readonly bytes: number;
  /** What the client called it, see {@link Part.filename}. */
  readonly filename: string;
  /** The media type that the client says it has. */
  readonly type: string;
  /**
   * Moves it to another path, where it stays. Never replaces what is there.
   *
   * @throws the error of the system: `EEXIST` where there is something already.
   */
  keep(path: string): Promise<void>;
  /** Removes it now. Does nothing when it was kept or removed. */
  remove(): Promise<void>;
}

/**
 * Writes a part of a multipart body to a file of its own (mode 0600), while it arrives. When the client leaves, a limit is met or anything else fails, the file is
 * removed and this rejects. It is removed too when the response is over, however it ended, unless {@link Upload.keep} was called.
 *
 * @throws what reading the part, writing the file or the reason of the exchange's signal throws.
 */
export async function saveUpload(environ: Environ, part: Part, options: UploadOptions): Promise<Upload> {
  const { folder } = options;
  if (typeof folder !== "string" || folder === "") throw new TypeError("saveUpload: the folder is a path");
  const exchange = environ["gateway.exchange"];
  const file = new UploadedFile(join(folder, `${randomUUID()}.upload`), part);
  const handle = await open(file.path, "wx", 0o600);
  exchange.onEnd(() => {
    file.release().catch((error: unknown) => environ["wsgi.errors"].write(errorText(error)));
  });
  try {
    try {
      await write(handle, part, file, exchange.signal);
    } finally {
      await handle.close();
    }
    // It may have been over before it was written.
    if (file.isReleased) throw new Error("saveUpload: the response was over before the upload was");
    return file;
  } catch (error) {
    await file.remove();
    throw error;
  }
}

async function write(handle: FileHandle, part: Part, file: UploadedFile, signal: AbortSignal): Promise<void> {
  const chunks = part[Symbol.asyncIterator]();
  for (;;) {
    const step = await unlessAborted(signal, () => chunks.next());
    if (step.done === true) return;
    await writeAll(handle, step.value);
    file.bytes += step.value.byteLength;
  }
}

/** A client that has left may never send the next chunk, nor the end. (A race of promises would keep one reaction for each chunk.) */
function unlessAborted<T>(signal: AbortSignal, next: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason);
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave, { once: true });
    const done = (): void => signal.removeEventListener("abort", leave);
    next().then(
      (value) => {
        done();
        resolve(value);
      },
      (error: unknown) => {
        done();
        reject(error);
      },
    );
  });
}

/** A single write may take less than it was given. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.byteLength;) at += (await handle.write(chunk, at)).bytesWritten;
}

class UploadedFile implements Upload {
  readonly path: string;
  readonly filename: string;
  readonly type: string;
  bytes = 0;
  /** The response is over. */
  isReleased = false;
  #isGone = false;
  /** What is under way: a file is not removed under the hands of who moves it. */
  #moving: Promise<void> | undefined = undefined;

  constructor(path: string, { filename, type }: Part) {
    this.path = path;
    this.filename = filename ?? "";
    this.type = type;
  }

  async keep(path: string): Promise<void> {
    if (this.#isGone) throw new Error("saveUpload: the upload is not there any more");
    this.#moving = this.#move(path);
    try {
      await this.#moving;
      this.#isGone = true;
    } finally {
      this.#moving = undefined;
    }
  }

  async #move(path: string): Promise<void> {
    try {
      await link(this.path, path);
    } catch (error) {
      // Another file system, or one without links.
      if (!(error instanceof Error && "code" in error) || error.code === "EEXIST" || error.code === "ENOENT") throw error;
      await copyFile(this.path, path, constants.COPYFILE_EXCL);
    }
    await unlink(this.path);
  }

  async remove(): Promise<void> {
    await this.#moving?.catch(() => {});
    if (this.#isGone) return;
    this.#isGone = true;
    try {
      await unlink(this.path);
    } catch (error) {
      // Somebody took it away: that is where it should be.
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    }
  }

  /** The response is over. */
  async release(): Promise<void> {
    this.isReleased = true;
    await this.remove();
  }
}
