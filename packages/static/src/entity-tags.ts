/** What stands in `If-Match` or `If-None-Match`: entity tags as they were written, or `*`. */
export type EntityTags = readonly string[] | "*";

// etagc of RFC 9110, section 8.8.3, and what may stand between the members of a list.
const nextTag = /[ \t,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)/y;
const listEnd = /[ \t,]*$/y;

/**
 * Reads the list of `If-Match` and `If-None-Match` (RFC 9110, sections 13.1.1 and 13.1.2). Empty members are skipped. A list that is
 * malformed anywhere matches nothing: `[]`.
 */
export function parseEntityTags(text: string): EntityTags {
  if (text === "*") return "*";
  const tags: string[] = [];
  nextTag.lastIndex = 0;
  let end = 0;
  for (let match = nextTag.exec(text); match !== null; match = nextTag.exec(text)) {
    tags.push(match[1] ?? "");
    end = nextTag.lastIndex;
  }
  listEnd.lastIndex = end;
  return listEnd.test(text) ? tags : [];
}

/** Both are strong and the same (RFC 9110, section 8.8.3.2). */
export function isStrongMatch(one: string, other: string): boolean {
  return one === other && one !== "" && !one.startsWith("W/");
}

/** The same, but for the mark of weakness (RFC 9110, section 8.8.3.2). */
export function isWeakMatch(one: string, other: string): boolean {
  return opaque(one) === opaque(other) && one !== "";
}

function opaque(tag: string): string {
  return tag.startsWith("W/") ? tag.slice(2) : tag;
}
