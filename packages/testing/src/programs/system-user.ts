import { readFileSync } from "node:fs";

/** The ids to start a program with: of the first of these users, where this process is root and there is one; else none. */
export function userFor(names: readonly string[]): { readonly uid?: number; readonly gid?: number } {
  if (names.length === 0 || process.getuid?.() !== 0) return {};
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of names) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(`this process is root, and the system has no user ${names.join(" or ")} to run the program as`);
}
