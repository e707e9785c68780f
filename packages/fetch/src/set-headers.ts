/** Makes the headers of one the same as those of another. */
export function setAll(headers: Headers, wanted: Headers): void {
  if (headers === wanted) return;
  for (const name of new Set(headers.keys())) headers.delete(name);
  wanted.forEach((value, name) => headers.append(name, value));
}
