import type { Coding } from "./codings.ts";

/**
 * Puts bytes into coded data that every decoder skips, so that its length tells less about its content (BREACH). Each format has a place
 * for that right behind its header:
 *
 * - gzip: a file name (RFC 1952, section 2.3), any number of bytes;
 * - deflate: empty stored blocks (RFC 1951, section 3.2.4), of 5 bytes each;
 * - zstd: empty raw blocks (RFC 8878, section 3.1.1.2), of 3 bytes each, inside the one frame;
 * - br: a metadata block (RFC 7932, section 9.2), any number of bytes from 3 on. Its data must have been flushed before anything was coded,
 *   because only then the header ends with a whole byte.
 *
 * @param start the beginning of the coded data, at least its header; for br, what the first flush gave.
 * @param count how many bytes to put in: rounded down to what the format allows, 65535 at most.
 */
export function padded(coding: Coding, start: Buffer, count: number): Buffer[] {
  const padding = paddings[coding];
  const bytes = padding.make(count);
  if (bytes.length === 0) return [start];
  const at = padding.headerLength(start);
  const head = Buffer.from(start.subarray(0, at));
  if (coding === "gzip") head[gzipFlagsAt] = (head[gzipFlagsAt] ?? 0) | gzipHasName;
  return [head, bytes, start.subarray(at)].filter((part) => part.length > 0);
}

interface Padding {
  headerLength(start: Buffer): number;
  make(count: number): Buffer;
}

const gzipFlagsAt = 3;
const gzipHasName = 0x08;

const paddings: Readonly<Record<Coding, Padding>> = {
  gzip: {
    headerLength: () => 10,
    make(count) {
      const name = Buffer.alloc(count, "a");
      if (count > 0) name[count - 1] = 0;
      return name;
    },
  },
  deflate: {
    headerLength: () => 2,
    make: (count) => repeated(Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]), count),
  },
  zstd: {
    headerLength: zstdHeaderLength,
    make: (count) => repeated(Buffer.from([0x00, 0x00, 0x00]), count),
  },
  br: {
    headerLength: (start) => start.length,
    make: brotliMetadata,
  },
};

function repeated(block: Buffer, count: number): Buffer {
  const bytes = Buffer.alloc(count - (count % block.length));
  for (let at = 0; at < bytes.length; at += block.length) block.copy(bytes, at);
  return bytes;
}

/** RFC 8878, section 3.1.1.1: magic number, descriptor, window descriptor, dictionary, content size. */
function zstdHeaderLength(start: Buffer): number {
  const descriptor = start[4] ?? 0;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 0x03] ?? 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
}

/**
 * Bits from the lowest on: not the last block (0), no length that is one (11), reserved (0), the size of the length in bytes (2 bits), the
 * length less one, zeros up to a whole byte; then the bytes, which mean nothing.
 */
function brotliMetadata(count: number): Buffer {
  // 2 bytes of header hold lengths to 256, 3 bytes all others.
  if (count < 3) return Buffer.alloc(0);
  const sizeBytes = count <= 259 ? 1 : 2;
  const headerBytes = sizeBytes + 1;
  // A length of 256 has no form of 3 bytes: its highest byte may not be zero.
  const bytes = Buffer.alloc(count === 259 ? 258 : count);
  bytes.writeUIntLE(0b0110 + (sizeBytes << 4) + ((bytes.length - headerBytes - 1) << 6), 0, headerBytes);
  return bytes;
}
