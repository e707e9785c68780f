import type { Cursor, Entry, EntryPage, EntryStore, Guest } from "./entries.ts";

/** Runs one statement, its values in the place of the question marks, and gives its rows. */
export type Sql = (statement: string, values: readonly (string | number)[]) => Promise<readonly Row[]>;

/** A row by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** What a database does around the writing of an entry. */
export interface Writing {
  /** Before: makes writers wait for each other, so that nobody sees an id before a smaller one. */
  readonly before?: (sql: Sql) => Promise<void>;
  /** After: tells those who watch. */
  readonly after: (sql: Sql) => Promise<void>;
}

const columns = "id, author, text, written_at";

/** The guestbook in SQL that SQLite and PostgreSQL both understand. */
export function sqlEntries(sql: Sql, writing: Writing): EntryStore {
  const page = async (cursor: Cursor, limit: number): Promise<EntryPage> => {
    if (cursor !== "newest" && "newerThan" in cursor) {
      const rows = await sql(`SELECT ${columns} FROM entries WHERE id > ? ORDER BY id LIMIT ?`, [cursor.newerThan, limit + 1]);
      // There are no more than these: then they are the first page, which is better shown full.
      if (rows.length <= limit) return page("newest", limit);
      const entries = rows.slice(0, limit).map(toEntry).toReversed();
      return { entries, newerThan: entries.at(0)?.id, olderThan: entries.at(-1)?.id };
    }
    const rows =
      cursor === "newest"
        ? await sql(`SELECT ${columns} FROM entries ORDER BY id DESC LIMIT ?`, [limit + 1])
        : await sql(`SELECT ${columns} FROM entries WHERE id < ? ORDER BY id DESC LIMIT ?`, [cursor.olderThan, limit + 1]);
    const entries = rows.slice(0, limit).map(toEntry);
    return {
      entries,
      newerThan: cursor === "newest" ? undefined : (entries.at(0)?.id ?? 0),
      olderThan: rows.length > limit ? entries.at(-1)?.id : undefined,
    };
  };

  return {
    page,

    async after(id, limit): Promise<readonly Entry[]> {
      return (await sql(`SELECT ${columns} FROM entries WHERE id > ? ORDER BY id LIMIT ?`, [id, limit])).map(toEntry);
    },

    async find(id): Promise<Entry | undefined> {
      return (await sql(`SELECT ${columns} FROM entries WHERE id = ?`, [id])).map(toEntry)[0];
    },

    async write(author, text, writtenAt): Promise<Entry> {
      await writing.before?.(sql);
      const rows = await sql("INSERT INTO entries (author, text, written_at) VALUES (?, ?, ?) RETURNING id", [
        author,
        text,
        writtenAt,
      ]);
      await writing.after(sql);
      return { id: Number(rows[0]?.["id"]), author, text, writtenAt };
    },

    async findGuest(name): Promise<Guest | undefined> {
      const [row] = await sql("SELECT name, password FROM guests WHERE name_key = ?", [nameKey(name)]);
      return row && { name: String(row["name"]), password: String(row["password"]) };
    },

    async addGuest({ name, password }): Promise<boolean> {
      const statement =
        "INSERT INTO guests (name_key, name, password) VALUES (?, ?, ?) ON CONFLICT (name_key) DO NOTHING RETURNING name";
      return (await sql(statement, [nameKey(name), name, password])).length === 1;
    },
  };
}

/** Names that look the same are the same, as far as one script goes: by case, width and characters that nobody sees. */
function nameKey(name: string): string {
  return name
    .normalize("NFKC")
    .replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toLowerCase();
}

function toEntry(row: Row): Entry {
  return {
    id: Number(row["id"]),
    author: String(row["author"]),
    text: String(row["text"]),
    writtenAt: Number(row["written_at"]),
  };
}
