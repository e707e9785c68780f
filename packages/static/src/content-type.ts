import { contentType, lookup } from "mime-types";

const unknownType = "application/octet-stream";

/**
 * Types by the ending of a file's name, with a charset where the type has one. A table of one's own comes first.
 *
 * @param types by ending without its dot, lower case: `{ md: "text/markdown; charset=utf-8" }`.
 */
export function contentTypes(types: ReadonlyMap<string, string>): (path: string) => string {
  return (path) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    const dot = name.lastIndexOf(".");
    const extension = dot === -1 ? "" : name.slice(dot + 1).toLowerCase();
    const own = types.get(extension);
    if (own !== undefined) return own;
    const known = extension === "" ? false : lookup(extension);
    return known === false ? unknownType : contentType(known) || known;
  };
}
