import { formatParameters } from "@gateway/core";

/**
 * The value of a `Content-Disposition` header that has a browser save the response under a name (RFC 6266):
 * `attachment; filename="naive.txt"; filename*=UTF-8''na%C3%AFve.txt`. Old clients get an approximation in ASCII.
 *
 * @param filename without folders: what stands before the last `/` or `\` is dropped. Control characters become `_`.
 * @param type `"inline"` to name what the browser may show (default `"attachment"`).
 */
export function attachment(filename: string, type: "attachment" | "inline" = "attachment"): string {
  const name = filename.slice(Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\")) + 1).replaceAll(/\p{Control}/gu, "_");
  if (name === "") return type;
  // Accents go, what is then still not ASCII is replaced. A percent sign would be decoded by some.
  const plain = name
    .normalize("NFD")
    .replaceAll(/\p{Mark}/gu, "")
    .replaceAll(/[^ -~]/gu, "_")
    .replaceAll("%", "_");
  return formatParameters(type, plain === name ? { filename: name } : { filename: plain, "filename*": name });
}
