const maxBytes = 255;
const maxExtension = 16;

/**
 * The name of a file as a client gives it, without what could lead somewhere else: folders and drives, control characters and marks of direction,
 * dots and spaces at the end. At most 255 bytes, the extension kept. `""` where nothing is left. Still the words of a stranger: show it, and do not
 * store under it.
 */
export function fileName(given: string): string {
  const base = given.slice(Math.max(given.lastIndexOf("/"), given.lastIndexOf("\\")) + 1).replace(/^[A-Za-z]:/, "");
  // Categories C: control characters, marks of direction, halves of pairs, what is not assigned; and the line ends of Unicode.
  const visible = base.replaceAll(/[\p{C}\u2028\u2029]/gu, "");
  let end = visible.length;
  while (visible[end - 1] === "." || visible[end - 1] === " ") end--;
  return shortened(visible.slice(0, end));
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= maxBytes) return name;
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 && name.length - dot <= maxExtension ? name.slice(dot) : "";
  const room = maxBytes - Buffer.byteLength(extension);
  let stem = "";
  let bytes = 0;
  // By whole characters: half of one is none.
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > room) break;
    stem += character;
  }
  return stem + extension;
}
