/**
 * Data for a column of text: as it is, except where it has a NUL, which PostgreSQL refuses and some drivers of SQLite take for the end.
 * Such data is written as a JSON string, and so is what would be taken for one.
 */
export function toPlainText(data: string): string {
  return data.includes("\0") || data.startsWith('"') ? JSON.stringify(data) : data;
}

/** What {@link toPlainText} was given. */
export function fromPlainText(text: string): string {
  return text.startsWith('"') ? String(JSON.parse(text)) : text;
}
