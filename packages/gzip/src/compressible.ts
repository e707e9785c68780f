import database from "mime-db";

/**
 * Does a body of this media type become smaller? Says what `mime-db` says; of a type that it does not know or does not judge, yes for
 * text, for the suffixes `+json`, `+xml` and `+text`, and for JSON in lines. Parameters and case do not count.
 */
export function isCompressible(contentType: string): boolean {
  const type = essence(contentType);
  const known = Object.hasOwn(database, type) ? database[type]?.compressible : undefined;
  return known ?? (type.startsWith("text/") || /\+(?:json|xml|text)$/.test(type) || jsonLines.has(type));
}

const jsonLines = new Set(["application/x-ndjson", "application/jsonl", "application/json-seq"]);

/** The type alone, in lower case. */
function essence(contentType: string): string {
  const semicolon = contentType.indexOf(";");
  return (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}
