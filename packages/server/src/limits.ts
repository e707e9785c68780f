/** How much of a request the parser takes. */
export interface ParserLimits {
  /** The request line without its line end, in bytes (default 8 KiB); more is answered with 414. */
  requestLineBytes: number;
  /** All header lines together, in bytes (default 16 KiB); more is answered with 431. */
  headerBytes: number;
  /** How many header lines (default 100); more is answered with 431. */
  headerCount: number;
  /** Chunk extensions and needless zeros of chunk sizes over one message, in bytes (default 16 KiB); more is answered with 413. */
  chunkOverheadBytes: number;
  /** All trailer lines together without their line ends, in bytes (default 16 KiB); more is answered with 431. */
  trailerBytes: number;
}

export const defaultParserLimits: Readonly<ParserLimits> = {
  requestLineBytes: 8 * 1024,
  headerBytes: 16 * 1024,
  headerCount: 100,
  chunkOverheadBytes: 16 * 1024,
  trailerBytes: 16 * 1024,
};
