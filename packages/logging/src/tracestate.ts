const maxMembers = 32;
const simpleKey = /^[a-z][a-z0-9_*/-]{0,255}$/;
const tenantKey = /^[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}$/;
/** Printable ASCII without comma and equals sign, 256 at most, not ending with a space. */
const value = /^[ -+\--<>-~]{0,255}[!-+\--<>-~]$/;

/**
 * Reads a `tracestate` (W3C Trace Context, section 3.3): at most 32 members `key=value`, no key twice; empty members and the white space
 * around members are dropped.
 *
 * @returns the list as it is to be handed on; `""` where it is empty or invalid, for an invalid one is to be dropped whole.
 */
export function parseTracestate(header: string): string {
  const keys = new Set<string>();
  const members: string[] = [];
  for (const part of header.split(",")) {
    const member = trim(part);
    if (member === "") continue;
    const equals = member.indexOf("=");
    const key = member.slice(0, Math.max(equals, 0));
    const isMember = (simpleKey.test(key) || tenantKey.test(key)) && value.test(member.slice(equals + 1));
    if (!isMember || keys.has(key) || keys.size === maxMembers) return "";
    keys.add(key);
    members.push(member);
  }
  return members.join(",");
}

/** Without the spaces and tabs at both ends: what HTTP calls OWS. A loop, because a regular expression would go back over a long run. */
function trim(text: string): string {
  const isBlank = (at: number): boolean => text.charAt(at) === " " || text.charAt(at) === "\t";
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return text.slice(start, end);
}
