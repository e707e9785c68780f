export { staticFiles } from "./static-files.ts";
export { fileSender, type FileSender, type SendOptions } from "./file-sender.ts";
export { attachment } from "./attachment.ts";
export type { CacheRule, Fallback, FileOptions, StaticFilesOptions } from "./options.ts";
export type { Coding } from "./accept-encoding.ts";
export type { Dotfiles } from "./request-path.ts";
export type { ServedFile } from "./variant.ts";
