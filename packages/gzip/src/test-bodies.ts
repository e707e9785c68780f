import type { EventEmitter } from "node:events";
import zlib from "node:zlib";
import type { Application, HeaderList, Middleware, ResponseBody } from "@gateway/core";
import { client } from "@gateway/testing";
import { validator } from "@gateway/validate";
import type { Coding } from "./codings.ts";
import { gzip, type GzipOptions } from "./gzip.ts";

/** A layer as it is to be tested: with a validator inside it, and one outside. */
export function between(middleware: Middleware, app: Application): Application {
  return validator(middleware(validator(app)));
}

/** An application that answers with this head and body. */
export function answers(body: () => ResponseBody, headers: HeaderList = [], status = "200 OK"): Application {
  return (_environ, startResponse) => {
    startResponse(status, [["Content-Type", "application/json"], ...headers]);
    return body();
  };
}

/** Text that becomes smaller, of about that many bytes. */
export function text(bytes: number): Buffer {
  const lines = Array.from({ length: Math.ceil(bytes / 20) }, (_, i) => `{"line":${i},"value":"${(i * 7919) % 1000}"}\n`);
  return Buffer.from(lines.join("")).subarray(0, bytes);
}

/** A body that is worth coding. */
export const json: Buffer = text(4096);

/** What a client sends that takes every coding. */
export const every: Readonly<Record<string, string>> = { "Accept-Encoding": "gzip, deflate, br, zstd" };

/** A client of an application inside {@link gzip}, with the codings that every platform has. */
export function http(app: Application, options: GzipOptions = {}): ReturnType<typeof client> {
  return client(between(gzip({ codings: ["br", "gzip", "deflate"], ...options }), app));
}

/** What the application does in the next turn of the loop. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface ZstdDecoder {
  readonly gzipSync: unknown;
  readonly zstdDecompressSync?: (bytes: Uint8Array) => Buffer;
}

/** Decodes whole bodies, with the means of the platform. */
export function decode(coding: string | null | undefined, bytes: Uint8Array): Buffer {
  const library: ZstdDecoder = zlib;
  switch (coding as Coding | null | undefined) {
    case "gzip":
      return zlib.gunzipSync(bytes);
    case "br":
      return zlib.brotliDecompressSync(bytes);
    case "deflate":
      return zlib.inflateSync(bytes);
    case "zstd":
      return library.zstdDecompressSync?.(bytes) ?? Buffer.from("no zstd");
    default:
      return Buffer.from(bytes);
  }
}

/** Counts the coders that live: those that `node:zlib` made, less those whose handle was closed. */
export class LiveCoders implements Disposable {
  made = 0;
  closed = 0;
  readonly #restore: (() => void)[] = [];

  constructor() {
    const library: object = zlib;
    for (const name of Object.keys(library).filter((known) => known.startsWith("create"))) {
      const property = Object.getOwnPropertyDescriptor(library, name);
      const make = property?.value as (options: unknown) => EventEmitter;
      Object.defineProperty(library, name, {
        ...property,
        value: (options: unknown) => {
          const coder = make(options);
          this.made++;
          coder.once("close", () => this.closed++);
          return coder;
        },
      });
      this.#restore.push(() => Object.defineProperty(library, name, property ?? {}));
    }
  }

  get alive(): number {
    return this.made - this.closed;
  }

  [Symbol.dispose](): void {
    for (const restore of this.#restore) restore();
  }
}

/** A promise, and what settles it. */
export function deferred<T = void>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
