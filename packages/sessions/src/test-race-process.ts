import type { SessionRecord } from "./store.ts";
import { answerQuestions } from "./test-answers.ts";
import { openStore, type OpenStore, type StoreAddress } from "./test-open-store.ts";

/** What the two processes of a race are told. */
export type RaceQuestion =
  | { readonly do: "open"; readonly address: StoreAddress }
  /** Makes these sessions. */
  | { readonly do: "create"; readonly ids: readonly string[] }
  /** Reads each session, for the next `merge` to begin with. */
  | { readonly do: "hold"; readonly ids: readonly string[] }
  /**
   * Counts a key of each session on to `to`: reads, writes, and tries again where another was faster. Answers how often that was.
   *
   * @throws {Error} if the count there is not one less, so that a write of before was lost.
   */
  | { readonly do: "merge"; readonly ids: readonly string[]; readonly key: string; readonly to: number }
  /** Saves each session, version after version, until that is refused. Answers how many saves were done. */
  | { readonly do: "save"; readonly ids: readonly string[] }
  | { readonly do: "delete"; readonly ids: readonly string[] }
  /** Answers with the records; `null` where there is none. */
  | { readonly do: "read"; readonly ids: readonly string[] };

const expiresAt = Date.now() + 3_600_000;
let opened: OpenStore | undefined;
const held = new Map<string, SessionRecord>();

answerQuestions(
  async (sent) => {
    const question = sent as RaceQuestion;
    if (question.do === "open") {
      opened = openStore(question.address);
      return opened.ready();
    }
    const { ids } = question;
    switch (question.do) {
      case "create":
        return each(ids, (id) => write(id, { data: "{}", version: 1, expiresAt }));
      case "hold":
        return each(ids, async (id) => void held.set(id, await present(id)));
      case "merge":
        return sum(await each(ids, (id) => merge(id, question.key, question.to)));
      case "save":
        return sum(await each(ids, save));
      case "delete":
        return each(ids, async (id) => opened?.store.delete(id));
      case "read":
        return each(ids, async (id) => (await read(id)) ?? null);
    }
  },
  () => opened?.end(),
);

async function read(id: string): Promise<SessionRecord | undefined> {
  return opened?.store.read(id);
}

async function write(id: string, record: SessionRecord): Promise<boolean> {
  return (await opened?.store.write(id, record)) ?? false;
}

async function present(id: string): Promise<SessionRecord> {
  const record = await read(id);
  if (record === undefined) throw new Error(`${id} is gone`);
  return record;
}

async function merge(id: string, key: string, to: number): Promise<number> {
  for (let conflicts = 0; ; conflicts++) {
    const record = held.get(id) ?? (await present(id));
    held.delete(id);
    const data = JSON.parse(record.data) as Record<string, number>;
    if ((data[key] ?? 0) !== to - 1) throw new Error(`${id}: ${key} is ${data[key]} before the write of ${to}: one was lost`);
    const next = { data: JSON.stringify({ ...data, [key]: to }), version: record.version + 1, expiresAt };
    if (await write(id, next)) return conflicts;
  }
}

async function save(id: string): Promise<number> {
  for (let saved = 0; ; saved++) {
    if (!(await write(id, { data: `{"saved":${saved}}`, version: saved + 2, expiresAt }))) return saved;
  }
}

/** Eight at a time, in the same order in both processes, so that they meet. */
async function each<T>(ids: readonly string[], work: (id: string) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  const entries = ids.entries();
  const worker = async (): Promise<void> => {
    for (const [index, id] of entries) results[index] = await work(id);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return results;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
