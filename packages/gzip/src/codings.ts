import zlib from "node:zlib";
import type { Transform } from "node:stream";

/** A content coding of RFC 9110, section 8.4.1, by its registered name. `deflate` is the zlib format (RFC 1950), as the RFC says. */
export type Coding = "gzip" | "br" | "zstd" | "deflate";

/** What `node:zlib` makes: a stream whose handle holds the memory of one coder until it is destroyed. */
export type CoderStream = Transform & {
  readonly bytesWritten: number;
  /** Takes an operation of the coding: see {@link CodingMethods.flushOperation}. */
  flush(operation: number, callback: () => void): void;
};

/** How bytes are to be coded. */
export interface CodingSettings {
  readonly level: number;
  /** How many bytes there will be in all, where that is known. */
  readonly bytes: number | undefined;
}

/** One coding of `node:zlib`. */
export interface CodingMethods {
  readonly lowestLevel: number;
  readonly highestLevel: number;
  /** Lets go of all input so far, in a way that the client can read it. */
  readonly flushOperation: number;
  createEncoder(settings: CodingSettings): CoderStream;
  encodeSync(bytes: Uint8Array, settings: CodingSettings): Buffer;
  encode(bytes: Uint8Array, settings: CodingSettings, callback: (error: Error | null, coded: Buffer) => void): void;
  createDecoder(): CoderStream;
}

interface ZstdOptions {
  readonly params?: Readonly<Record<number, number>>;
  readonly pledgedSrcSize?: number;
}

/** What Node has since 22.15 and 23.8; other runtimes have it or not. */
interface ZlibWithZstd {
  readonly gzipSync: unknown;
  readonly createZstdCompress?: (options: ZstdOptions) => CoderStream;
  readonly createZstdDecompress?: (options: ZstdOptions) => CoderStream;
  readonly zstdCompressSync?: (bytes: Uint8Array, options: ZstdOptions) => Buffer;
  readonly zstdCompress?: (bytes: Uint8Array, options: ZstdOptions, callback: (error: Error | null, coded: Buffer) => void) => void;
}

// Functions are looked up in the module when they are called: a test, or a tracer, may have put others there.
const { constants } = zlib;

const gzip: CodingMethods = {
  lowestLevel: 0,
  highestLevel: 9,
  flushOperation: constants.Z_SYNC_FLUSH,
  createEncoder: ({ level }) => zlib.createGzip({ level }),
  encodeSync: (bytes, { level }) => zlib.gzipSync(bytes, { level }),
  encode: (bytes, { level }, callback) => zlib.gzip(bytes, { level }, callback),
  createDecoder: () => zlib.createGunzip(),
};

const deflate: CodingMethods = {
  ...gzip,
  createEncoder: ({ level }) => zlib.createDeflate({ level }),
  encodeSync: (bytes, { level }) => zlib.deflateSync(bytes, { level }),
  encode: (bytes, { level }, callback) => zlib.deflate(bytes, { level }, callback),
  createDecoder: () => zlib.createInflate(),
};

function brotliOptions({ level, bytes }: CodingSettings): zlib.BrotliOptions {
  const quality = { [constants.BROTLI_PARAM_QUALITY]: level };
  return { params: bytes === undefined ? quality : { ...quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes } };
}

const br: CodingMethods = {
  lowestLevel: 0,
  highestLevel: 11,
  flushOperation: constants.BROTLI_OPERATION_FLUSH,
  createEncoder: (settings) => zlib.createBrotliCompress(brotliOptions(settings)),
  encodeSync: (bytes, settings) => zlib.brotliCompressSync(bytes, brotliOptions(settings)),
  encode: (bytes, settings, callback) => zlib.brotliCompress(bytes, brotliOptions(settings), callback),
  createDecoder: () => zlib.createBrotliDecompress(),
};

// Of zstd.h, version 1: stable, and not in the types of Node 20.
const zstdFlush = 1;
const zstdCompressionLevel = 100;
const zstdDecoderWindowLogMax = 100;
/** RFC 9659: a window of the content coding is 8 MiB at most. A decoder takes up to 128 MiB otherwise. */
const zstdWindowLog = 23;

function zstdMethods(): CodingMethods | undefined {
  const library: ZlibWithZstd = zlib;
  const { createZstdCompress, createZstdDecompress, zstdCompressSync, zstdCompress } = library;
  if (!createZstdCompress || !createZstdDecompress || !zstdCompressSync || !zstdCompress) return undefined;
  const options = ({ level, bytes }: CodingSettings): ZstdOptions => {
    const params = { [zstdCompressionLevel]: level };
    return bytes === undefined ? { params } : { params, pledgedSrcSize: bytes };
  };
  return {
    lowestLevel: 1,
    // Above it the window is larger than RFC 9659 lets it be.
    highestLevel: 19,
    flushOperation: zstdFlush,
    createEncoder: ({ level }) => (library.createZstdCompress ?? createZstdCompress)({ params: { [zstdCompressionLevel]: level } }),
    encodeSync: (bytes, settings) => zstdCompressSync(bytes, options(settings)),
    encode: (bytes, settings, callback) => zstdCompress(bytes, options(settings), callback),
    createDecoder: () =>
      (library.createZstdDecompress ?? createZstdDecompress)({ params: { [zstdDecoderWindowLogMax]: zstdWindowLog } }),
  };
}

const zstd = zstdMethods();

/** What this runtime can do. */
export const methods: Readonly<Partial<Record<Coding, CodingMethods>>> = {
  ...(zstd === undefined ? {} : { zstd }),
  br,
  gzip,
  deflate,
};

/** Every coding there is a name for, in the order in which {@link gzip} prefers them: what costs least for its size comes first. */
export const allCodings: readonly Coding[] = ["zstd", "br", "gzip", "deflate"];

/** The codings that this runtime has: all of them, but `zstd` only from Node 22.15 on. */
export const availableCodings: readonly Coding[] = allCodings.filter((coding) => methods[coding] !== undefined);

/** @throws {TypeError} for a coding that this runtime has not. */
export function methodsOf(coding: Coding): CodingMethods {
  const found = methods[coding];
  if (found === undefined) throw new TypeError(`the zlib of this runtime has no ${coding}`);
  return found;
}
