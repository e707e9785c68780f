export { gzip, type GzipOptions } from "./gzip.ts";
export type { Answer, CodingLevel } from "./gzip-options.ts";
export { inflate, type InflateOptions } from "./inflate.ts";
export { availableCodings, type Coding } from "./codings.ts";
export { isCompressible } from "./compressible.ts";
