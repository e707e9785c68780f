import { AssertionError, deepEqual, equal } from "node:assert/strict";
import type { SessionRecord, SessionStore } from "./types.ts";

/** Far enough away for every case. */
export const hour = 3_600_000;

/** The store has this record, and nothing else of it was changed. */
export async function holds(store: SessionStore, id: string, expected: SessionRecord, where: string): Promise<void> {
  const found = await store.read(id);
  if (found === undefined) throw new AssertionError({ message: `${where}: no record`, actual: found, expected, operator: "holds" });
  const { data, version, expiresAt } = found;
  // Not printed in full: one case has a mebibyte of it.
  equal(
    data === expected.data,
    true,
    `${where}: data of ${data.length} characters: ${excerpt(data)}, not ${excerpt(expected.data)}`,
  );
  deepEqual({ version, expiresAt }, { version: expected.version, expiresAt: expected.expiresAt }, where);
}

/** The store has no live record. */
export async function holdsNone(store: SessionStore, id: string, where: string): Promise<void> {
  const found = await store.read(id);
  equal(found === undefined ? "undefined" : JSON.stringify(found).slice(0, 200), "undefined", where);
}

export async function writes(store: SessionStore, id: string, record: SessionRecord, where: string): Promise<void> {
  equal(await store.write(id, record), true, `${where}: write of version ${record.version} was not done`);
}

export async function refuses(store: SessionStore, id: string, record: SessionRecord, where: string): Promise<void> {
  equal(await store.write(id, record), false, `${where}: write of version ${record.version} was not refused`);
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
