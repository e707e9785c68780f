/** A file of a multipart body. */
export interface MultipartFile {
  /** The name that the client gives; not a path. */
  readonly filename: string;
  readonly content: string | Uint8Array;
  /** The media type (default `"application/octet-stream"`). */
  readonly type?: string;
}

/** One field of a multipart body, or several of the same name. */
export type MultipartValue = string | MultipartFile | readonly (string | MultipartFile)[];

const encoder = new TextEncoder();

/**
 * A body of `multipart/form-data`, as browsers write it (RFC 7578; the HTML standard, "Multipart form data"): text in UTF-8, names with
 * `%22`, `%0D` and `%0A` for what would end them. The boundary is one that the content does not contain, and the same for the same
 * content.
 */
export function encodeMultipart(fields: Readonly<Record<string, MultipartValue>>): { type: string; bytes: Uint8Array } {
  const parts = Object.entries(fields).flatMap(([name, value]) =>
    (isList(value) ? value : [value]).map((one) => ({ head: partHead(name, one), content: contentOf(one) })),
  );
  const boundary = freeBoundary(parts.map(({ content }) => content));
  const pieces: Uint8Array[] = [];
  for (const { head, content } of parts) {
    pieces.push(encoder.encode(`--${boundary}\r\n${head}\r\n\r\n`), content, encoder.encode("\r\n"));
  }
  pieces.push(encoder.encode(`--${boundary}--\r\n`));
  return { type: `multipart/form-data; boundary=${boundary}`, bytes: Buffer.concat(pieces) };
}

function isList(value: MultipartValue): value is readonly (string | MultipartFile)[] {
  return Array.isArray(value);
}

function partHead(name: string, value: string | MultipartFile): string {
  const disposition = `Content-Disposition: form-data; name="${escapeName(name.replaceAll(/\r\n|\r|\n/g, "\r\n"))}"`;
  if (typeof value === "string") return disposition;
  const { filename, type = "application/octet-stream" } = value;
  if (/[\r\n]/.test(type)) throw new TypeError(`a media type has no line ends: ${JSON.stringify(type)}`);
  return `${disposition}; filename="${escapeName(filename)}"\r\nContent-Type: ${type}`;
}

function escapeName(name: string): string {
  return name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}

function contentOf(value: string | MultipartFile): Uint8Array {
  // The HTML standard: line ends in text fields are CRLF.
  if (typeof value === "string") return encoder.encode(value.replaceAll(/\r\n|\r|\n/g, "\r\n"));
  return typeof value.content === "string" ? encoder.encode(value.content) : value.content;
}

function freeBoundary(contents: readonly Uint8Array[]): string {
  for (let count = 0; ; count++) {
    const boundary = `----gateway-testing-${count}`;
    if (!contents.some((content) => Buffer.from(content.buffer, content.byteOffset, content.byteLength).includes(boundary)))
      return boundary;
  }
}
